import { type Json, type JsonDoc, parseJson } from "../src/contract/json.ts";
import {
  documentsOf,
  MAX_GIVEN_BYTES,
  renderedKey,
  renderedPayload,
  tooMuch,
  type ValueIn,
} from "../src/rules/rendering.ts";
import { bytesOf, loadTextsWithin } from "../src/store/documents.ts";
import type { Db } from "../src/store/postgres/pool.ts";
import type { PayloadSources } from "../workflows/activity-types.ts";
import { TemplateError } from "../workflows/expressions/templates.ts";

/** How much may be read to make a payload: perhaps only a part of that is put in. */
const MAX_READ_BYTES = 4 * MAX_GIVEN_BYTES;

/** The payload of a step as JSON text, or undefined if there is nothing to make it of. Throws TemplateError. */
export async function renderPayload(db: Db, sources: PayloadSources): Promise<string | undefined> {
  return renderedPayload(sources, await valuesOf(db, sources));
}

/** An event key's text. Throws TemplateError. */
export async function renderKey(db: Db, template: string, sources: PayloadSources): Promise<string> {
  if (!template.includes("{{")) return template;
  return renderedKey(template, sources, await valuesOf(db, { ...sources, step: undefined }));
}

/** What the documents hold. Throws TemplateError where they are too large. */
export async function valuesOf(db: Db, sources: PayloadSources): Promise<ValueIn> {
  const documents = documentsOf(sources);
  const texts = await loadTextsWithin(db, documents, MAX_READ_BYTES);
  if (texts.includes(undefined))
    throw new TemplateError(tooMuch("the payloads and outputs that it is made of are", await bytesOf(db, documents)));
  const values = new Map<JsonDoc, Json>(documents.map((document, i) => [document, parseJson(texts[i] as string)]));
  return (document) => values.get(document) as Json;
}

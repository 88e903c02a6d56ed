import { type Json, type JsonDoc, parseJson, stringifyJson } from "../src/contract/json.ts";
import { loadTexts } from "../src/store/documents.ts";
import type { Db } from "../src/store/pool.ts";
import type { PayloadSources } from "../workflows/activity-types.ts";
import { renderText, stepPayload } from "../workflows/expressions/templates.ts";

/** The payload a step is given (contract §7.5) as JSON text; undefined where there is nothing to make one of. Throws TemplateError. */
export async function renderPayload(db: Db, sources: PayloadSources): Promise<string | undefined> {
  if (!sources.trigger && !sources.step && !sources.parents) return undefined;
  const payload = stepPayload(await load(db, sources));
  return payload === undefined ? undefined : stringifyJson(payload);
}

/** An event key's text. Throws TemplateError. */
export async function renderKey(db: Db, template: string, sources: PayloadSources): Promise<string> {
  if (!template.includes("{{")) return template;
  const { trigger, parents } = await load(db, { ...sources, step: undefined });
  return renderText(template, { payload: trigger, parent_outputs: Object.fromEntries(parents ?? []) });
}

interface LoadedSources {
  trigger?: Json;
  step?: Json;
  parents?: [step_ref: string, output: Json][];
}

async function load(db: Db, { trigger, step, parents }: PayloadSources): Promise<LoadedSources> {
  const docs = [trigger, step, ...(parents ?? []).map(([, output]) => output)];
  const texts = await loadTexts(
    db,
    docs.filter((doc): doc is JsonDoc => doc !== undefined),
  );
  const values = texts.map(parseJson);
  const next = (doc: JsonDoc | undefined) => (doc === undefined ? undefined : values.shift());
  return {
    trigger: next(trigger),
    step: next(step),
    parents: parents?.map(([ref, output]) => [ref, next(output) as Json]),
  };
}

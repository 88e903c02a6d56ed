import { type Json, JsonText, stringifyJson } from "../contract/json.ts";
import { type ValueIn, valueAtOf } from "./rendering.ts";
import type { PayloadSources } from "../../workflows/activity-types.ts";
import type { GateTemplate } from "../../workflows/gate-template.ts";
import { isGroup, isReference } from "../../workflows/engine/gates/gate.ts";
import { partHash } from "../../workflows/engine/gates/part-hash.ts";
import { hashParts } from "../../workflows/engine/gates/shown.ts";
import { quorumProblem } from "../../workflows/engine/steps/gate/faults.ts";
import { isWebUrl } from "../../workflows/engine/steps/web-url.ts";
import type { Reference } from "../../workflows/expressions/references.ts";
import { partsOf, render, renderText, TemplateError, type ValueAt } from "../../workflows/expressions/templates.ts";

/** Once rendered, in characters. */
const MOST_TITLE = 500;
const MOST_TEXT = 32_768;
const MOST_URL = 2_048;
const MOST_NAME = 255;
const MOST_APPROVERS = 1_000;
/** As JSON. */
const MOST_PAYLOAD_BYTES = 65_536;

/** `shown`: JSON text, see ApprovalState. */
interface Rendered {
  approvers?: string[];
  shown?: string;
  shown_hash?: string;
}

/** A gate as it opens. Throws TemplateError, which says what is wrong with which field. */
export function renderedGate(gate: GateTemplate, sources: PayloadSources, valueIn: ValueIn): Rendered {
  const valueAt = valueAtOf(sources, valueIn);
  const approvers = gate.approvers.some(isReference) ? approversOf(gate, valueAt) : undefined;
  const { title, text, links, form, options } = gate;
  const shown = {
    title: title && within("approval_title", MOST_TITLE, oneLine(renderText(title, valueAt))),
    text: text && within("approval_text", MOST_TEXT, renderText(text, valueAt)),
    payload: sources.step && payloadOf(valueIn(sources.step), valueAt),
    links: links?.map((link, n) => linkOf(link, n, valueAt)),
    form: form === undefined ? undefined : new JsonText(form),
    options,
  };
  const texts = Object.entries(shown).flatMap(([field, value]) =>
    value === undefined || value === "" ? [] : [[field, stringifyJson(value)] as const],
  );
  if (texts.length === 0) return { approvers };
  const partOf = new Map<string, string>(texts.map(([field, text]) => [field, partHash(text)]));
  return {
    approvers,
    shown: `{${texts.map(([field, value]) => `"${field}":${value}`).join(",")}}`,
    shown_hash: hashParts((field) => partOf.get(field)),
  };
}

/**
 * Each text that a reference leads to is a name, also each one of a list. It is a group's only where the definition says so:
 * whoever gives the text could else name a group of their own.
 */
function approversOf({ approvers, required }: GateTemplate, valueAt: ValueAt): string[] {
  const names = [...new Set(approvers.flatMap((entry, n) => namesIn(entry, `approval_approvers[${n}]`, valueAt)))];
  if (names.length === 0) throw new TemplateError("approval_approvers lead to nobody");
  if (names.length > MOST_APPROVERS)
    throw new TemplateError(`approval_approvers lead to ${names.length} names, where ${MOST_APPROVERS} may be`);
  const problem = quorumProblem(names, required);
  if (problem !== undefined) throw new TemplateError(problem);
  return names;
}

function namesIn(entry: string, at: string, valueAt: ValueAt): string[] {
  let names = [""];
  for (const part of partsOf(entry)) {
    const found = typeof part === "string" ? [part] : textsOf(part, at, valueAt);
    names = names.flatMap((name) => found.map((text) => name + text));
    if (names.length > MOST_APPROVERS) throw new TemplateError(`${at} leads to more than ${MOST_APPROVERS} names`);
  }
  const odd = names.find(
    (name) =>
      name === "group:" || name !== name.trim() || name.length > MOST_NAME || /\p{Cc}/u.test(name) || isReference(name),
  );
  if (odd !== undefined) throw new TemplateError(`${at}: ${JSON.stringify(odd.slice(0, 100))} is no name`);
  const group = isGroup(entry) ? undefined : names.find(isGroup);
  if (group !== undefined)
    throw new TemplateError(
      `${at}: ${JSON.stringify(group.slice(0, 100))} is a group, where a person has to be: "group:" goes before the reference`,
    );
  return names;
}

function textsOf(reference: Reference, at: string, valueAt: ValueAt): string[] {
  const value = valueAt(reference);
  if (value === undefined || value === null) {
    if (reference.optional) return [];
    throw new TemplateError(`${at}: ${reference.name} has no value`);
  }
  const values: Json[] = Array.isArray(value) ? value : [value];
  return values.map((one) => {
    if (typeof one !== "string") throw new TemplateError(`${at}: ${reference.name} is not a text`);
    if (one.trim() === "") throw new TemplateError(`${at}: ${reference.name} is an empty name`);
    return one;
  });
}

function payloadOf(template: Json, valueAt: ValueAt): Json {
  const payload = render(template, valueAt);
  const bytes = Buffer.byteLength(stringifyJson(payload));
  if (bytes > MOST_PAYLOAD_BYTES)
    throw new TemplateError(`approval_payload would be ${bytes} bytes, where ${MOST_PAYLOAD_BYTES} may be`);
  return payload;
}

function linkOf(link: { title?: string; url: string }, n: number, valueAt: ValueAt) {
  const at = `approval_links[${n}]`;
  const title = link.title && within(`${at}.title`, MOST_TITLE, oneLine(renderText(link.title, valueAt)));
  const url = within(`${at}.url`, MOST_URL, renderText(link.url, valueAt));
  if (/[\p{Cc}\p{Cs}]/u.test(url)) throw new TemplateError(`${at}.url has control characters or lone surrogates`);
  if (!isWebUrl(url))
    throw new TemplateError(`${at}.url is no http or https URL: ${JSON.stringify(url.slice(0, 100))}`);
  return { title: title || undefined, url };
}

const oneLine = (text: string): string => text.replace(/\p{Cc}+/gu, " ");

function within(field: string, most: number, text: string): string {
  if (text.length <= most) return text;
  throw new TemplateError(`${field} would be ${text.length} characters, where ${most} may be`);
}

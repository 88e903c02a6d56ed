import { type Json, type JsonDoc, parseJson, stringifyJson } from "../src/contract/json.ts";
import { bytesOf, loadTextsWithin } from "../src/store/documents.ts";
import type { Db } from "../src/store/postgres/pool.ts";
import type { PayloadSources } from "../workflows/activity-types.ts";
import * as lenient from "../workflows/expressions/lenient-templates.ts";
import { follow, type Reference, stepOf } from "../workflows/expressions/references.ts";
import { stepPayload } from "../workflows/expressions/step-payload.ts";
import { render, renderText, TemplateError } from "../workflows/expressions/templates.ts";

/** The largest payload of one step. */
export const MAX_GIVEN_BYTES = 4 * 1_048_576;
/** How much may be read to make it: perhaps only a part of that is put in. */
const MAX_READ_BYTES = 4 * MAX_GIVEN_BYTES;

const mib = (bytes: number): string => `${(bytes / 1_048_576).toFixed(1)} MiB`;

export const tooMuch = (what: string, bytes: number): string =>
  `${what} ${mib(bytes)}, and a step is given at most ${mib(MAX_GIVEN_BYTES)}: let the steps before it answer with references ` +
  "(an id or a URL of what they stored), or keep only what is needed of their answers by output_transform";

/** The payload of a step as JSON text, or undefined if there is nothing to make it of. Throws TemplateError. */
export async function renderPayload(db: Db, sources: PayloadSources): Promise<string | undefined> {
  if (!sources.trigger && !sources.step && !sources.parents) return undefined;
  const loaded = await load(db, sources);
  const { trigger, parents, step } = loaded;
  const rendered = step === undefined ? undefined : renderingOf(sources, loaded).payload(step);
  const payload = stepPayload({ trigger, parents, step: rendered });
  if (payload === undefined) return undefined;
  const text = stringifyJson(payload);
  const bytes = Buffer.byteLength(text);
  if (bytes > MAX_GIVEN_BYTES) throw new TemplateError(tooMuch("the payload would be", bytes));
  return text;
}

/** An event key's text. Throws TemplateError. */
export async function renderKey(db: Db, template: string, sources: PayloadSources): Promise<string> {
  if (!template.includes("{{")) return template;
  return renderingOf(sources, await load(db, { ...sources, step: undefined })).key(template);
}

interface Rendering {
  payload(template: Json): Json;
  key(template: string): string;
}

function renderingOf({ named }: PayloadSources, { trigger, parents = [], outputs }: Loaded): Rendering {
  if (!named) {
    const scope = { payload: trigger, parent_outputs: Object.fromEntries(parents) };
    return {
      payload: (template) => lenient.render(template, scope),
      key: (template) => lenient.renderText(template, scope),
    };
  }
  const byStep = new Map<string, Json | undefined>([...parents, ...outputs]);
  const valueAt = (reference: Reference): Json | undefined => {
    if (reference.root === "payload") return follow(reference.path, trigger);
    if (reference.root === "run") return follow(reference.path, named.run);
    const found = stepOf(reference, (ref) => byStep.has(ref));
    return found && follow(found.path, byStep.get(found.step));
  };
  return { payload: (template) => render(template, valueAt), key: (template) => renderText(template, valueAt) };
}

interface Loaded {
  trigger?: Json;
  step?: Json;
  parents?: [step_ref: string, output: Json][];
  /** Undefined for a step without an output. */
  outputs: [step_ref: string, output: Json | undefined][];
}

async function load(db: Db, { trigger, step, parents, named }: PayloadSources): Promise<Loaded> {
  const outputs = named?.outputs ?? [];
  const docs = [trigger, step, ...(parents ?? []).map(([, output]) => output), ...outputs.map(([, output]) => output)];
  const texts = await textsOf(
    db,
    docs.filter((doc): doc is JsonDoc => doc !== undefined),
  );
  const values = texts.map(parseJson);
  const next = (doc: JsonDoc | undefined) => (doc === undefined ? undefined : values.shift());
  return {
    trigger: next(trigger),
    step: next(step),
    parents: parents?.map(([ref, output]) => [ref, next(output) as Json]),
    outputs: outputs.map(([ref, output]) => [ref, next(output)]),
  };
}

async function textsOf(db: Db, docs: JsonDoc[]): Promise<string[]> {
  const texts = await loadTextsWithin(db, docs, MAX_READ_BYTES);
  if (texts.includes(undefined))
    throw new TemplateError(tooMuch("the payloads and outputs that it is made of are", await bytesOf(db, docs)));
  return texts as string[];
}

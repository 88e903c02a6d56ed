import { type Json, type JsonDoc, parseJson, stringifyJson } from "../src/contract/json.ts";
import { loadTexts } from "../src/store/documents.ts";
import type { Db } from "../src/store/pool.ts";
import type { PayloadSources } from "../workflows/activity-types.ts";
import * as lenient from "../workflows/expressions/lenient-templates.ts";
import { follow, type Reference, stepOf } from "../workflows/expressions/references.ts";
import { stepPayload } from "../workflows/expressions/step-payload.ts";
import { render, renderText } from "../workflows/expressions/templates.ts";

/** The payload a step is given as JSON text; undefined where there is nothing to make one of. Throws TemplateError. */
export async function renderPayload(db: Db, sources: PayloadSources): Promise<string | undefined> {
  if (!sources.trigger && !sources.step && !sources.parents) return undefined;
  const loaded = await load(db, sources);
  const { trigger, parents, step } = loaded;
  const rendered = step === undefined ? undefined : renderingOf(sources, loaded).payload(step);
  const payload = stepPayload({ trigger, parents, step: rendered });
  return payload === undefined ? undefined : stringifyJson(payload);
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
    outputs: outputs.map(([ref, output]) => [ref, next(output)]),
  };
}

import { type Json, type JsonDoc, stringifyJson } from "../contract/json.ts";
import type { PayloadSources } from "../../workflows/activity-types.ts";
import * as lenient from "../../workflows/expressions/lenient-templates.ts";
import { follow, stepOf } from "../../workflows/expressions/references.ts";
import { stepPayload } from "../../workflows/expressions/step-payload.ts";
import { render, renderText, TemplateError, type ValueAt } from "../../workflows/expressions/templates.ts";

/** The largest payload of one step. */
export const MAX_GIVEN_BYTES = 4 * 1_048_576;

const mib = (bytes: number): string => `${(bytes / 1_048_576).toFixed(1)} MiB`;

export const tooMuch = (what: string, bytes: number): string =>
  `${what} ${mib(bytes)}, and a step is given at most ${mib(MAX_GIVEN_BYTES)}: let the steps before it answer with references ` +
  "(an id or a URL of what they stored), or keep only what is needed of their answers by output_transform";

/** All documents that a payload is made of. */
export function documentsOf({ trigger, step, parents = [], named }: PayloadSources): JsonDoc[] {
  const outputs = [...parents, ...(named?.outputs ?? [])].map(([, output]) => output);
  return [trigger, step, ...outputs].filter((document) => document !== undefined);
}

/** What a document holds. */
export type ValueIn = (document: JsonDoc) => Json;

/** The payload of a step as JSON text, or undefined if there is nothing to make it of. Throws TemplateError. */
export function renderedPayload(sources: PayloadSources, valueIn: ValueIn): string | undefined {
  const { trigger, step, parents } = sources;
  if (!trigger && !step && !parents) return undefined;
  const own = step && renderingOf(sources, valueIn).payload(valueIn(step));
  const payload = stepPayload({
    trigger: trigger && valueIn(trigger),
    parents: parents?.map(([ref, output]) => [ref, valueIn(output)]),
    step: own,
  });
  if (payload === undefined) return undefined;
  const text = stringifyJson(payload);
  const bytes = Buffer.byteLength(text);
  if (bytes > MAX_GIVEN_BYTES) throw new TemplateError(tooMuch("the payload would be", bytes));
  return text;
}

/** An event key's text. Throws TemplateError. */
export const renderedKey = (template: string, sources: PayloadSources, valueIn: ValueIn): string =>
  renderingOf(sources, valueIn).key(template);

interface Rendering {
  payload(template: Json): Json;
  key(template: string): string;
}

function renderingOf(sources: PayloadSources, valueIn: ValueIn): Rendering {
  const { named, trigger, parents = [] } = sources;
  if (!named) {
    const outputs = parents.map(([ref, output]): [string, Json] => [ref, valueIn(output)]);
    const payload = trigger && valueIn(trigger);
    const scope = { payload, parent_outputs: Object.fromEntries(outputs) };
    return {
      payload: (template) => lenient.render(template, scope),
      key: (template) => lenient.renderText(template, scope),
    };
  }
  const valueAt = valueAtOf(sources, valueIn);
  return { payload: (template) => render(template, valueAt), key: (template) => renderText(template, valueAt) };
}

/** What references lead to. */
export function valueAtOf({ named, trigger, parents = [] }: PayloadSources, valueIn: ValueIn): ValueAt {
  const payload = trigger && valueIn(trigger);
  const outputs = [...parents, ...(named?.outputs ?? [])];
  const byStep = new Map(outputs.map(([ref, output]) => [ref, output && valueIn(output)]));
  return (reference) => {
    if (reference.root === "payload") return follow(reference.path, payload);
    if (reference.root === "run") return follow(reference.path, named?.run);
    const found = stepOf(reference, (ref) => byStep.has(ref));
    return found && follow(found.path, byStep.get(found.step));
  };
}

import type { Json, JsonDoc } from "../../../src/contract/json.ts";
import { parsed } from "../../expressions/parsed.ts";
import { type Reference, stepOf } from "../../expressions/references.ts";
import { partsOf, stringsIn, TemplateError } from "../../expressions/templates.ts";
import type { Plan, PlanStep } from "../plan.ts";
import type { Run } from "../run.ts";
import { isDefined } from "./is-defined.ts";

/** The steps whose outputs a template names. One that cannot be read names none: its rendering will say what is wrong. */
export function stepsNamed(template: Json, isStep: (ref: string) => boolean): string[] {
  const named = new Set<string>();
  for (const { text } of stringsIn(template, "")) {
    for (const part of partsOf(text)) {
      if (typeof part === "string" || !isOutput(part)) continue;
      const found = stepOf(part, isStep);
      if (found) named.add(found.step);
    }
  }
  return [...named];
}

const isOutput = ({ root }: Reference): boolean => root === "outputs" || root === "parent_outputs";

/** The payload that the step's own is made of: the definition's, or what a recovery gave in its place. */
export function ownPayload({ plan, state }: Run, i: number): JsonDoc | undefined {
  const { step_payloads = plan.run.step_payloads } = state;
  const { step_ref = "", payload } = plan.steps[i] ?? {};
  return step_payloads && Object.hasOwn(step_payloads, step_ref) ? step_payloads[step_ref] : payload;
}

/** The steps whose outputs the templates of this step name. Some may be left out of the run. */
export function namesRead(run: Run, i: number): string[] {
  const { plan } = run;
  const step = plan.steps[i] as PlanStep;
  const payloads = [ownPayload(run, i), step.approval_payload].filter((payload) => payload !== undefined);
  const named = [...inTexts(plan, step), ...payloads.flatMap((payload) => inPayload(plan, payload))];
  return [...new Set(named)];
}

/** Those of them that the run has. */
export const readsOf = (run: Run, i: number): number[] =>
  namesRead(run, i).flatMap((ref) => run.plan.index.get(ref) ?? []);

/** Each document is read once. */
const ofPayload = new WeakMap<JsonDoc, string[]>();
const ofTexts = new WeakMap<PlanStep, string[]>();

function inPayload(plan: Plan, payload: JsonDoc): string[] {
  if ("ref" in payload) return payload.reads ?? [];
  return once(ofPayload, payload, () => (payload.text.includes("{{") ? namedIn(plan, parsed(payload.text)) : []));
}

function inTexts(plan: Plan, step: PlanStep): string[] {
  const { event_key = "", event_emit_key = "", approval_approvers = [], approval_links = [] } = step;
  const { approval_title = "", approval_text = "" } = step;
  const texts = [event_key, event_emit_key, approval_title, approval_text, ...approval_approvers];
  return once(ofTexts, step, () => namedIn(plan, [...texts, ...approval_links]));
}

function namedIn(plan: Plan, template: Json): string[] {
  try {
    return stepsNamed(template, (ref) => isDefined(plan, ref));
  } catch (error) {
    if (error instanceof TemplateError) return [];
    throw error;
  }
}

function once<Of extends object>(known: WeakMap<Of, string[]>, of: Of, find: () => string[]): string[] {
  const found = known.get(of) ?? find();
  known.set(of, found);
  return found;
}

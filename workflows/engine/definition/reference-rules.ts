import type { Json } from "../../../src/contract/json.ts";
import type { StepInput } from "../../../src/contract/steps.ts";
import { checkedCondition, refsIn, statusProblem, stepsIn } from "../../expressions/condition-check.ts";
import type { PatternWork } from "../../expressions/pattern-work.ts";
import { MAX_LEVELS, nestsDeeperThan, quoted } from "../../expressions/printed.ts";
import { type Reference, stepOf } from "../../expressions/references.ts";
import { partsOf, stringsIn, TemplateError } from "../../expressions/templates.ts";
import type { Fault } from "../steps/fault.ts";
import type { Precedence } from "./precedence.ts";

/** What the references of a step are checked against. */
export interface Around {
  steps: Precedence;
  work: PatternWork;
  templates: TemplateWork;
}

/** References of a definition, or of the payloads of one request: to read one takes a few microseconds. */
const MAX_REFERENCES = 10_000;

export class TemplateWork {
  #references = 0;

  /** Counts the references of a text, before any of them is read. False: there are too many. */
  takes(text: string): boolean {
    for (let at = text.indexOf("{{"); at >= 0; at = text.indexOf("{{", at + 2)) this.#references++;
    return this.#references <= MAX_REFERENCES;
  }
}

/** Of one condition. They may have to be looked up, and are carried until the condition is decided. */
const MAX_VALUES = 32;

type Step = Pick<StepInput, "step_ref" | "depends_on">;

/** The fields in which references stand, and those that may nest. */
const TEMPLATES = [
  "event_key",
  "event_emit_key",
  "approval_approvers",
  "approval_title",
  "approval_text",
  "approval_links",
] as const;
const PAYLOADS = ["payload", "approval_payload"] as const;
/** Those in which one might expect them. */
const NO_TEMPLATES = [
  "concurrency_key",
  "event_notify_url",
  "approval_escalation",
  "approval_options",
  "approval_form",
] as const;

/** Whatever a step refers to must exist and come before it. Every message names the reference. */
export function* referenceFaults(step: StepInput, around: Around): Generator<Fault> {
  const { steps, work } = around;
  const tooDeep = [...PAYLOADS, "approval_form" as const].find((field) => nestsDeeperThan(MAX_LEVELS, step[field]));
  if (tooDeep) {
    yield { field: tooDeep, message: `${tooDeep} nests deeper than ${MAX_LEVELS} levels` };
    return;
  }
  for (const field of [...PAYLOADS, ...TEMPLATES]) yield* templateFaults(step, step[field], field, around);
  for (const field of NO_TEMPLATES) {
    for (const { text, at } of stringsIn(step[field] ?? null, field))
      yield { field: at, message: `${at} takes no references: ${quoted(text)}` };
  }
  if (step.condition !== undefined) yield* conditionFaults(step, step.condition, steps, work);
}

/** The same of one template of the step, which does not nest too deep. */
export function* templateFaults(
  step: Step,
  template: Json | undefined,
  field: string,
  { steps, templates }: Omit<Around, "work">,
): Generator<Fault> {
  for (const { text, at } of stringsIn(template ?? null, field)) {
    const problem = templates.takes(text)
      ? templateProblem(step, text, steps)
      : `there are more than ${MAX_REFERENCES} references`;
    if (problem !== undefined) yield { field: at, message: `${at}: ${problem}` };
  }
}

function templateProblem(step: Step, text: string, steps: Precedence): string | undefined {
  try {
    for (const part of partsOf(text)) {
      const problem = typeof part === "string" ? undefined : problemOf(part, step, steps);
      if (problem !== undefined) return problem;
    }
    return undefined;
  } catch (error) {
    if (error instanceof TemplateError) return error.message;
    throw error;
  }
}

function* conditionFaults(step: Step, json: Json, steps: Precedence, work: PatternWork): Generator<Fault> {
  const condition = checkedCondition(json, work);
  const field = "condition";
  if (typeof condition === "string") {
    yield { field, message: condition };
    return;
  }
  const unknown = stepsIn(condition).find((ref) => !steps.isStep(ref));
  if (unknown !== undefined) yield { field, message: `condition references unknown step ${quoted(unknown)}` };
  const status = statusProblem(condition);
  if (status !== undefined) yield { field, message: status };
  const references = refsIn(condition);
  if (references.length > MAX_VALUES)
    yield { field, message: `condition asks for ${references.length} values, where ${MAX_VALUES} may be` };
  for (const reference of references) {
    const problem = problemOf(reference, step, steps);
    if (problem !== undefined) yield { field, message: `condition: ${problem}` };
  }
}

function problemOf(reference: Reference, step: Step, steps: Precedence): string | undefined {
  const { root, path, name } = reference;
  if (root !== "outputs" && root !== "parent_outputs") return undefined;
  const found = stepOf(reference, (ref) => steps.isStep(ref));
  if (!found) return `${quoted(name)} references unknown step ${quoted(path[0] as string)}`;
  if (!steps.comesBefore(found.step, step.step_ref))
    return `${quoted(name)}: step ${quoted(found.step)} does not come before it: depends_on does not lead there`;
  if (root === "parent_outputs" && !step.depends_on.includes(found.step))
    return `${quoted(name)}: the step does not depend on ${quoted(found.step)} directly; from further back it is outputs.${name.slice(root.length + 1)}`;
  return undefined;
}

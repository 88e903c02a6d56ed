import type { StepInput } from "../../../src/contract/steps.ts";
import { Precedence } from "./precedence.ts";
import { TemplateWork } from "./reference-rules.ts";
import type { Fault } from "../steps/fault.ts";
import { contentFaults, shapeFaults } from "./step-rules.ts";
import { PatternWork } from "../../expressions/pattern-work.ts";
import { quoted } from "../../expressions/printed.ts";

/**
 * `message` is what clients know where there is one; then only `details` says which step and field it is about. More details are of
 * other steps, which are at fault as well.
 */
export interface StepsProblem {
  message: string;
  details: string[];
}

/** Unless MAX_STEPS says otherwise. */
export const DEFAULT_MAX_STEPS = 1_000;
const MOST_TOLD = 20;
const MAX_STEP_REF = 128;
const STEP_REF = /^[\p{L}\p{M}\p{Nd}_][\p{L}\p{M}\p{Nd}_.:-]*$/u;

/** Whether a step may be named so. */
export const isStepRef = (text: string): boolean => text.length <= MAX_STEP_REF && STEP_REF.test(text);

/**
 * The first thing wrong with a workflow's steps, or undefined: names come first, then what a step lacks, then circles, then
 * what fields hold.
 */
export function stepsProblem(steps: StepInput[], maxSteps = DEFAULT_MAX_STEPS): StepsProblem | undefined {
  if (steps.length > maxSteps) {
    return { message: `workflow cannot have more than ${maxSteps} steps`, details: [`steps: at most ${maxSteps}`] };
  }
  const refs = new Set<string>();
  for (const [i, { step_ref }] of steps.entries()) {
    const message = refProblem(step_ref, refs);
    if (message !== undefined) return { message, details: [`steps[${i}].step_ref: ${message}`] };
    refs.add(step_ref);
  }
  const around = { steps: new Precedence(steps), work: new PatternWork("definition"), templates: new TemplateWork() };
  return (
    faultsOfEach(steps, (step) => shapeFaults(step, refs)) ??
    cycle(steps) ??
    faultsOfEach(steps, (step) => contentFaults(step, around))
  );
}

function refProblem(ref: string | undefined, taken: ReadonlySet<string>): string | undefined {
  if (!ref) return "each step requires step_ref";
  if (ref.length > MAX_STEP_REF) return `step_ref ${quoted(ref)} must be at most ${MAX_STEP_REF} characters`;
  if (!STEP_REF.test(ref)) {
    return `step_ref ${quoted(ref)} must be letters, digits, "_", "-", "." and ":", beginning with a letter, digit or "_"`;
  }
  return taken.has(ref) ? `duplicate step_ref: ${ref}` : undefined;
}

/** Of each step the first fault, since others may follow from it. Nobody reads more than MOST_TOLD. */
function faultsOfEach(steps: StepInput[], faultsOf: (step: StepInput) => Iterable<Fault>): StepsProblem | undefined {
  let found: StepsProblem | undefined;
  for (const [i, step] of steps.entries()) {
    for (const { field, message } of faultsOf(step)) {
      const of = `step ${quoted(step.step_ref)}`;
      const detail = message.startsWith(`${of}: `) ? message.slice(of.length + 2) : message;
      found ??= { message, details: [] };
      found.details.push(`steps[${i}].${field} of ${of}: ${detail}`);
      break;
    }
    if (found?.details.length === MOST_TOLD) break;
  }
  return found;
}

/** Takes away the steps that depend on nothing, until there are none. What is left is in a circle, or behind one. */
function cycle(steps: StepInput[]): StepsProblem | undefined {
  const open = new Map(steps.map((step) => [step.step_ref, new Set(step.depends_on).size]));
  const dependents = new Map<string, string[]>(steps.map((step) => [step.step_ref, []]));
  for (const step of steps) for (const ref of new Set(step.depends_on)) dependents.get(ref)?.push(step.step_ref);

  const free = steps.filter((step) => step.depends_on.length === 0).map((step) => step.step_ref);
  for (let ref = free.pop(); ref !== undefined; ref = free.pop()) {
    open.delete(ref);
    for (const dependent of dependents.get(ref) ?? []) {
      const left = (open.get(dependent) ?? 0) - 1;
      open.set(dependent, left);
      if (left === 0) free.push(dependent);
    }
  }
  if (open.size === 0) return undefined;
  const refs = [...open.keys()].slice(0, MOST_TOLD).map(quoted).join(", ");
  return { message: "workflow has circular dependencies", details: [`steps: in or behind a circle: ${refs}`] };
}

import type { JsonDoc } from "../../../../src/contract/json.ts";
import { type CommandPayload, type Refusal, refused } from "../../command.ts";
import { partHash } from "../../gates/part-hash.ts";
import { attemptIn, changedSince, formHash, shownHash } from "../../gates/shown.ts";
import type { PlanStep } from "../../plan.ts";
import { quoted } from "../../../expressions/printed.ts";
import type { StepState } from "../../state.ts";
import { rfc3339 } from "../../time.ts";
import { isStepOver } from "../../transitions.ts";
import type { StepOf } from "../kind.ts";

/** Why nobody can decide the gate, or say anything on it, as it stands. */
export function notOpen({ definition, step }: StepOf, said: CommandPayload = {}): Refusal | undefined {
  const { step_ref } = definition;
  if (!isStepOver(step.status)) return step.approval?.status === "pending" ? undefined : notAsked(definition);
  const how = howDecided(step);
  // Who says what it is that they decide on is told that it is decided. Published clients know the other words.
  if (how !== undefined && isAimed(said)) return refused("conflict", `step ${step_ref} was ${how}`, [how]);
  return refused("invalid_state", `step ${step_ref} is already in terminal state`, how === undefined ? how : [how]);
}

/** In words that clients know; the details say whether it will be. */
export const notAsked = ({ step_ref, step_type }: PlanStep): Refusal =>
  refused("invalid_state", `approval not found for step ${step_ref}`, [
    step_type === "approval"
      ? `step_ref: ${quoted(step_ref)} has not asked for it yet`
      : `step_ref: ${quoted(step_ref)} is a ${step_type} step`,
  ]);

const isAimed = ({ step_attempt, shown_hash, option }: CommandPayload): boolean =>
  step_attempt !== undefined || shown_hash !== undefined || option !== undefined;

/** By whom, and when. */
function howDecided({ approval, finished_at }: StepState): string | undefined {
  if (!approval || approval.status === "pending") return undefined;
  const { status, approved_by, approved_at = finished_at, option } = approval;
  const what = option === undefined ? status.replace("_", " ") : `decided as ${JSON.stringify(option)}`;
  const by = approved_by === undefined ? "" : ` by ${approved_by}`;
  return `${what}${by}${approved_at === undefined ? "" : ` at ${rfc3339(approved_at)}`}`;
}

/** Why a decision is not about what the gate is now: another attempt, or it shows something else. */
export function isAnother({ definition, step }: StepOf, said: CommandPayload): Refusal | undefined {
  const { step_attempt, shown_hash } = said;
  const { attempt, approval } = step;
  const others = [step_attempt, shown_hash === undefined ? undefined : attemptIn(shown_hash)];
  const other = others.find((one) => one !== undefined && one !== attempt);
  const changed =
    shown_hash === undefined || !approval ? [] : changedSince(shownHash(attempt, approval.shown_hash), shown_hash);
  const fields = changed.filter((field) => field !== "shown_hash" || other === undefined);
  if (other === undefined && fields.length === 0) return undefined;
  const is = other === undefined ? [] : [`is at attempt ${attempt} now`];
  const shows = fields.length === 0 ? [] : [`shows another ${fields.join(", ")}`];
  return refused("conflict", `step ${definition.step_ref} ${[...is, ...shows].join(", and ")}`, [
    ...(other === undefined ? [] : [`step_attempt: ${attempt}, not ${Number.isNaN(other) ? "that" : other}`]),
    ...fields.map((field) => `${field}: has changed`),
  ]);
}

/** Why an approval, or the choice of an option, says too little or too much for this gate. */
export function misfit(verb: "approve" | "choose", of: StepOf, said: CommandPayload): Refusal | undefined {
  const { step_ref, approval_options: options } = of.definition;
  if (verb === "approve")
    return options
      ? refused("invalid_state", `step ${step_ref} has options: choose one of ${options.join(", ")}`)
      : unchecked(of, said);
  if (!options) return refused("invalid_state", `step ${step_ref} has no options: approve or reject it`);
  if (!options.includes(said.option ?? ""))
    return refused("validation_error", `option must be one of ${options.join(", ")}`);
  return unchecked(of, said);
}

/** Values that nobody has held against the form: what compiles schemas can't run here. */
export function unchecked({ definition, step: { approval } }: StepOf, said: CommandPayload): Refusal | undefined {
  if (!definition.approval_form) return undefined;
  const { step_ref } = definition;
  if (said.form_hash === undefined)
    return refused(
      "invalid_state",
      `step ${step_ref} has a form: its values are checked where it is decided by the API`,
    );
  const present = approval ? formHash(approval.shown_hash) : partHash(definition.approval_form.text);
  if (said.form_hash === present) return undefined;
  return refused("conflict", `step ${step_ref} shows another form`, ["form: has changed"]);
}

/** What the step puts out if this vote decides it. */
export function outputOf({ definition }: StepOf, said: CommandPayload & { actor: string }): JsonDoc | undefined {
  const { option, actor: by, result } = said;
  if (option === undefined || !definition.approval_options) return result;
  const text = JSON.stringify({ option, by });
  // With the values of a form it is put together where they were checked: they may be too large to travel.
  const isIt = definition.approval_form && result && ("ref" in result || result.text.startsWith(text.slice(0, -1)));
  return isIt ? result : { text };
}

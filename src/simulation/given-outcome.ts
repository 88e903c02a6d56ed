import type { Documents } from "./documents.ts";
import type { End, Outcome } from "./outcome.ts";
import { everAsked, voterNamed } from "./votes.ts";
import { stringifyJson } from "../contract/json.ts";
import type { GivenOutcome } from "../contract/simulation/outcomes.ts";
import type { StepType } from "../contract/steps/index.ts";
import { Problem } from "../errors.ts";
import { formMismatch } from "../rules/gate-form.ts";
import type { PlanStep } from "../../workflows/engine/plan.ts";
import { classOf } from "../../workflows/failure-classes.ts";

type Field = keyof GivenOutcome;

const TIMES: Field[] = ["duration_ms", "duration_secs"];
const FIELDS: Record<StepType, Field[]> = {
  job: ["output", "failure", ...TIMES],
  sub_workflow: ["output", "failure", ...TIMES],
  approval: ["decision", "option", "values", "by", "reason", "times_out", ...TIMES],
  wait_for_event: ["event", "failure", "times_out", ...TIMES],
  sleep: [],
};

/** How many problems are told. */
const MOST_TOLD = 20;

/**
 * What a request says of the steps, by step_ref. Refuses what is about no step, or does not fit the step.
 * `took`: how long the steps are known to take of which nothing is said about that, in milliseconds.
 */
export function givenOutcomes(
  given: Record<string, GivenOutcome>,
  steps: PlanStep[],
  documents: Documents,
  took = new Map<string, number>(),
): Map<string, Outcome> {
  const byRef = new Map(steps.map((step) => [step.step_ref, step]));
  const details = Object.entries(given).flatMap(([ref, outcome]) => {
    const step = byRef.get(ref);
    const [problem] = step ? problemsOf(outcome, step) : ["the run has no such step"];
    return problem === undefined
      ? []
      : [`outcomes.${ref.slice(0, 128)}${problem.startsWith(".") ? "" : ": "}${problem}`];
  });
  if (details.length > 0) throw new Problem("validation_error", "validation failed", details.slice(0, MOST_TOLD));
  return new Map(
    Object.entries(given).map(([ref, outcome]) => [
      ref,
      outcomeOf(outcome, byRef.get(ref) as PlanStep, documents, took.get(ref)),
    ]),
  );
}

function* problemsOf(given: GivenOutcome, step: PlanStep): Generator<string> {
  const { step_type } = step;
  const names = Object.keys(given) as Field[];
  for (const name of names) if (!FIELDS[step_type].includes(name)) yield `.${name}: not of ${step_type} steps`;
  if (given.duration_ms !== undefined && given.duration_secs !== undefined)
    yield ".duration_secs: give duration_ms or duration_secs, not both";
  yield* failureProblems(given, step_type);
  if (step_type === "approval") yield* decisionProblems(given, step);
  if (given.times_out) {
    const others = names.filter((name) => name !== "times_out");
    if (others.length > 0) yield `.${others[0]}: has no effect when it times out`;
    const { approval_timeout_secs = 0, event_timeout_secs, approval_on_timeout } = step;
    if (step_type === "approval" && approval_on_timeout === "escalate")
      yield ".times_out: its approval_on_timeout, escalate, does not end it";
    if ((step_type === "approval" ? approval_timeout_secs : event_timeout_secs) === 0)
      yield ".times_out: the step has no timeout";
  } else if (given.event !== undefined && given.failure) yield ".event: has no effect with failure";
}

const OF_ATTEMPTS = ["class", "status_code", "retry_after_secs", "attempts"] as const;

function* failureProblems({ failure, output }: GivenOutcome, type: StepType): Generator<string> {
  if (!failure) return;
  const { class: of, status_code, attempts } = failure;
  const foreign = type === "job" ? undefined : OF_ATTEMPTS.find((name) => failure[name] !== undefined);
  if (foreign) yield `.failure.${foreign}: not of ${type} steps`;
  if (status_code !== undefined && of !== undefined && classOf(status_code) !== of)
    yield `.failure.class: ${status_code} is ${classOf(status_code)}`;
  if (output !== undefined && attempts === undefined)
    yield type === "job"
      ? ".output: has no effect when every attempt fails: failure.attempts says how many do"
      : ".output: has no effect with failure";
}

function* decisionProblems(given: GivenOutcome, step: PlanStep): Generator<string> {
  const { decision, option, values, by, reason, times_out } = given;
  if (times_out) return;
  if (decision === "reject" && option !== undefined) yield ".option: has no effect with a rejection";
  else if (option !== undefined && !step.approval_options?.includes(option))
    yield `.option: ${step.approval_options ? `not one of ${step.approval_options.join(", ")}` : "the step has no options"}`;
  if (values !== undefined && (decision === "reject" || !step.approval_form))
    yield `.values: ${step.approval_form ? "has no effect with a rejection" : "the step has no form"}`;
  const problem =
    values !== undefined && step.approval_form && formMismatch(step.approval_form.text, stringifyJson(values));
  if (problem) yield `.${problem}`;
  if (reason !== undefined && decision !== "reject") yield ".reason: is of a rejection";
  if (by !== undefined && !voterNamed(by, everAsked(step))) yield ".by: not one of the approvers";
}

function outcomeOf(given: GivenOutcome, step: PlanStep, documents: Documents, took = 0): Outcome {
  const { duration_ms, duration_secs } = given;
  const after_ms = duration_ms ?? (duration_secs === undefined ? took : duration_secs * 1000);
  const { failure, decision, option, values, by, reason } = given;
  if (given.times_out) return { ends: [{ after_ms, is: "left alone" }] };
  if (step.step_type === "approval") {
    const named = by === undefined ? undefined : voterNamed(by, everAsked(step));
    const is = decision === "reject" ? "rejected" : "approved";
    const text = values === undefined ? undefined : stringifyJson(values);
    return { ends: [{ after_ms, is, voters: named ? [named] : [], reason, option, values: text }] };
  }
  const value = step.step_type === "wait_for_event" ? given.event : given.output;
  const success: End = { after_ms, is: "completed", output: value === undefined ? undefined : documents.keep(value) };
  if (!failure) return { ends: [success] };
  const failed = failedEnd(failure, after_ms);
  if (failure.attempts === undefined) return { ends: [failed] };
  return { ends: [failed, ...Array.from({ length: failure.attempts - 1 }, () => failed), success] };
}

function failedEnd(failure: NonNullable<GivenOutcome["failure"]>, after_ms: number): End {
  const { class: of, status_code, retry_after_secs } = failure;
  const answered = status_code === undefined ? undefined : `endpoint returned ${status_code}`;
  return {
    after_ms,
    is: "failed",
    class: of ?? (status_code === undefined ? undefined : classOf(status_code)),
    error: failure.error ?? answered,
    retry_after_ms: retry_after_secs === undefined ? undefined : retry_after_secs * 1000,
  };
}

import { type JsonDoc, JsonText } from "../contract/json.ts";
import type { SimulatedStep } from "../contract/simulation/simulations.ts";
import type { Documents } from "../simulation/documents.ts";
import type { Simulation } from "../simulation/simulation.ts";
import type { TracedAttempt, TracedStep } from "../simulation/trace.ts";
import { withHint } from "./assumed-value.ts";
import { shownTime } from "./shown-time.ts";
import type { PlanStep } from "../../workflows/engine/plan.ts";
import type { StepState } from "../../workflows/engine/state.ts";
import { rfc3339 } from "../../workflows/engine/time.ts";

/** All outputs of an answer together, in characters. */
const MOST_SHOWN = 4 * 1_048_576;

/** How a simulated run went. */
export function presentSimulation({ run, trace, world }: Simulation) {
  const { status, error, started_at, finished_at } = run.state;
  const room = { left: MOST_SHOWN };
  // A sleep has the output that it has.
  const isAssumed = (step: PlanStep) => step.step_type !== "sleep" && world.outcomeOf(step).isAssumed === true;
  const canBeGiven = (step_ref: string) => {
    const step = run.plan.steps[run.plan.index.get(step_ref) ?? -1];
    return step !== undefined && step.step_type !== "approval" && isAssumed(step);
  };
  const hinted = (text: string | undefined) => withHint(text, canBeGiven);
  return {
    status,
    error: hinted(error),
    started_at: rfc3339(started_at),
    finished_at: shownTime(finished_at),
    duration_ms: lasted(started_at, finished_at),
    steps: trace.begun.map((traced) => {
      const definition = run.plan.steps[traced.step] as PlanStep;
      const state = run.state.steps[traced.step] as StepState;
      const output = shownOutput(world.documents, state.output, room);
      const shown = presentStep(definition, state, traced, output, isAssumed(definition));
      return { ...shown, error: hinted(shown.error) };
    }),
  };
}

function presentStep(
  { step_ref, step_type }: PlanStep,
  { status, cause, error, started_at, finished_at }: StepState,
  traced: TracedStep,
  output: JsonText | "left out" | undefined,
  isAssumed: boolean,
): SimulatedStep {
  const isOutputLeftOut = output === "left out";
  const leftOut = [
    ...(traced.isLeftOut ? (["payload"] as const) : []),
    ...(isOutputLeftOut ? (["output"] as const) : []),
  ];
  return {
    step_ref,
    step_type,
    status,
    cause,
    reason: traced.reason,
    assumed: isAssumed && started_at !== undefined && !traced.isKept ? true : undefined,
    kept: traced.isKept,
    started_at: shownTime(started_at),
    finished_at: shownTime(finished_at),
    duration_ms: lasted(started_at, finished_at),
    attempts: traced.attempts.length > 0 ? traced.attempts.map(presentAttempt) : undefined,
    payload: traced.payload === undefined ? undefined : new JsonText(traced.payload),
    event_key: traced.event_key,
    event_emit_key: traced.event_emit_key,
    output: isOutputLeftOut ? undefined : output,
    error: error || undefined,
    left_out: leftOut.length > 0 ? leftOut : undefined,
  };
}

const presentAttempt = ({ status = "running", ...made }: TracedAttempt) => ({
  attempt: made.attempt,
  status,
  started_at: rfc3339(made.started_at),
  finished_at: shownTime(made.finished_at),
  class: made.class,
  error: made.error,
  next_attempt_at: shownTime(made.next_attempt_at),
});

const lasted = (from: number | undefined, to: number | undefined): number | undefined =>
  from === undefined || to === undefined ? undefined : Math.round((to - from) * 1000) / 1000;

function shownOutput(documents: Documents, output: JsonDoc | undefined, room: { left: number }) {
  if (!output) return undefined;
  const text = documents.textOf(output);
  if (text.trim() === "null") return undefined;
  if (text.length > room.left) return "left out";
  room.left -= text.length;
  return new JsonText(text);
}

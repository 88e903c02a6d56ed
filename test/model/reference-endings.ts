import type { JsonDoc } from "../../src/contract/json.ts";
import type { RunStatus } from "../../src/contract/runs.ts";
import { dependenciesOf, isOver, letsGoOn, type ReferenceRun, type ReferenceStep } from "./reference-run.ts";
import type { Cause } from "../../workflows/engine/state.ts";

interface End {
  status: "completed" | "failed" | "skipped" | "canceled";
  error?: string;
  output?: JsonDoc;
  cause?: Cause;
}

/** What is still open of its gate and trigger is canceled with it. */
function close(step: ReferenceStep, end: End, at: number): void {
  if (step.approval?.status === "pending") step.approval.status = "canceled";
  if (step.trigger?.status === "waiting") {
    step.trigger.status = "canceled";
    if (end.status === "canceled") step.trigger.error = "workflow canceled";
  }
  Object.assign(step, { error: undefined, cause: undefined, ...end, finished_at: at, due: undefined, rests: false });
}

export function endStep(run: ReferenceRun, i: number, end: End, at: number): void {
  close(run.steps[i] as ReferenceStep, end, at);
  if (end.status === "failed" && run.definitions[i]?.on_failure === "fail_workflow")
    endRun(run, "failed", at, end.error);
  else skipWhatCannotRun(run, at);
}

const EMITTING = ["job", "wait_for_event", "sleep"];

/** It did its work: a job, an event or a sleep then sends its event_emit_key. */
export function succeed(run: ReferenceRun, i: number, output: JsonDoc | undefined, at: number): void {
  const { event_emit_key, step_type = "job" } = run.definitions[i] ?? {};
  (run.steps[i] as ReferenceStep).emitting = !!event_emit_key && EMITTING.includes(step_type);
  endStep(run, i, { status: "completed", output }, at);
}

export function endRun(run: ReferenceRun, status: RunStatus, at: number, error?: string, stepError?: string): void {
  Object.assign(run, { status, error, finished_at: at });
  for (const step of run.steps) if (!isOver(step)) close(step, { status: "canceled", error: stepError }, at);
}

/** Every step is over. "When a step fails": only failures that are not to be continued after count. */
export function finish(run: ReferenceRun, at: number): void {
  const failed = run.steps.flatMap((step, i) => (step.status === "failed" && !letsGoOn(run, i) ? [i] : []));
  const fatal = failed.find((i) => run.definitions[i]?.on_failure === "fail_workflow") ?? -1;
  endRun(run, failed.length > 0 ? "failed" : "completed", at, run.steps[fatal]?.error);
}

/** Looks at all steps until nothing is found: one not begun that needs one that ended badly can't run. */
export function skipWhatCannotRun(run: ReferenceRun, at: number): void {
  const endedBadly = (i: number) => isOver(run.steps[i] as ReferenceStep) && !letsGoOn(run, i);
  const lost = run.steps.find(
    (step, i) => !isOver(step) && step.started_at === undefined && dependenciesOf(run, i).some(endedBadly),
  );
  if (!lost) return;
  close(lost, { status: "skipped", cause: "dependency" }, at);
  skipWhatCannotRun(run, at);
}

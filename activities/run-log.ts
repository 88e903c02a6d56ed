import type { Deps } from "../src/deps.ts";
import type { MirrorRows } from "../workflows/engine/mirror/rows.ts";
import { isRunOver } from "../workflows/engine/transitions.ts";

/** Of the steps that failed with a run. */
const MOST_NAMED = 5;

/** A line for each step that went on, in the log of the process that mirrors it. */
export function logSteps(log: Deps["log"], { run, steps }: MirrorRows): void {
  if (!log.isLevelEnabled("debug")) return;
  for (const { step_ref: step, status, attempt } of steps) log.debug({ run: run.id, step, status, attempt }, "step");
}

/**
 * A line for the end of a run. A write of an ended run that carries no step is about a command that came after the end.
 * (A write that is repeated because its answer was lost is logged again.)
 */
export function logEnd(log: Deps["log"], { run, steps }: MirrorRows): void {
  if (!isRunOver(run.status) || steps.length === 0) return;
  const { id, project_id: project, workflow_name: workflow, status, created_at, finished_at } = run;
  const ms = finished_at === undefined ? undefined : Math.round(finished_at - created_at);
  const failed = steps.flatMap((step) => (step.status === "failed" ? [step.step_ref] : [])).slice(0, MOST_NAMED);
  log.info({ run: id, project, workflow, status, ms, ...(failed.length > 0 && { failed }) }, "run ended");
}

import type { RunEvent } from "./events.ts";
import type { Run } from "./run.ts";
import { isStepOver } from "./transitions.ts";

/** The step that waits for this end of the child. A reopened child has ended before: its `life` says which end this is. */
export const parentOf = ({ state }: Run, child: string, life: number | undefined): number =>
  state.steps.findIndex(
    (step) =>
      step.status === "running" &&
      step.child_run_id === child &&
      (step.child === undefined ? undefined : step.generation) === life,
  );

/** Whether it is news of work that no longer counts. */
export function isStale(run: Run, event: RunEvent): boolean {
  if (event.type === "child_ended") return parentOf(run, event.child_run_id, event.life) < 0;
  if (!("generation" in event)) return false;
  const step = run.state.steps[event.step];
  if (!step || step.generation !== event.generation || isStepOver(step.status)) return true;
  if ("attempt" in event)
    return step.attempt !== event.attempt || step.deadline !== undefined || step.between_attempts === true;
  if (event.type === "gate_opened") return step.approval !== undefined;
  return "deadline" in event && step.deadline !== event.deadline;
}

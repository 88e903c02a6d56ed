import type { RunTimeline } from "../../contract/inspection.ts";
import type { Deps } from "../../deps.ts";
import type { Caller } from "../../identity/caller.ts";
import { timelineOf } from "../../rules/timeline.ts";
import { shownTime } from "../../views/shown-time.ts";
import { unlessEmpty } from "../../views/unless-empty.ts";
import type { StepRow } from "../../../workflows/engine/mirror/rows.ts";
import { mirroredRun } from "../mirrored-run.ts";
import { findOwnRun } from "../runs.ts";
import { durationOf, stepsOf } from "./steps-of-run.ts";

/** When each step of a run began and ended, and what went on beside it. */
export async function getRunTimeline(deps: Deps, caller: Caller, runId: string): Promise<RunTimeline> {
  const row = await findOwnRun(deps, caller, runId);
  const steps = stepsOf(await mirroredRun(deps, row)).map(({ row: step }) => step);
  const now = Date.now();
  const begun = steps.flatMap((step) => {
    const { started_at: start, finished_at } = step;
    if (start === undefined) return [];
    return { start, end: Math.max(start, finished_at ?? now), isOver: finished_at !== undefined, ...step };
  });
  const others = steps.filter(({ started_at }) => started_at === undefined);
  return {
    workflow_run_id: row.id,
    status: row.status,
    started_at: shownTime(row.started_at),
    finished_at: shownTime(row.finished_at),
    total_ms: durationOf(row) ?? 0,
    steps: [
      ...timelineOf(begun).map((step) => ({
        ...shown(step),
        duration_ms: Math.round(step.end - step.start),
        parallel_with: unlessEmpty(step.parallel_with),
        on_critical_path: step.on_critical_path,
        wait_ms: Math.round(step.wait_ms),
      })),
      ...others
        .toSorted((a, b) => (a.step_ref < b.step_ref ? -1 : 1))
        .map((step) => ({ ...shown(step), duration_ms: 0, on_critical_path: false, wait_ms: 0 })),
    ],
  };
}

const shown = ({ id, step_ref, status, started_at, finished_at }: StepRow) => ({
  step_run_id: id,
  step_ref,
  status,
  started_at: shownTime(started_at),
  finished_at: shownTime(finished_at),
});

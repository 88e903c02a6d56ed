import type { Attempt, StepRun } from "../contract/runs.ts";
import type { Deps } from "../deps.ts";
import { type WithOutputs, withOutputs } from "./shown-documents.ts";
import { shownTime } from "./shown-time.ts";
import type { AttemptRow, StepRow } from "../../workflows/engine/mirror/rows.ts";
import { gateTexts, presentGate } from "./approval.ts";
import { rfc3339 } from "../../workflows/engine/time.ts";

export const presentSteps = (deps: Deps, rows: StepRow[]): Promise<WithOutputs<StepRun>> =>
  withOutputs(deps, rows, (row, output) => ({
    id: row.id,
    workflow_run_id: row.run_id,
    workflow_step_id: row.workflow_step_id,
    step_ref: row.step_ref,
    job_run_id: row.job_run_id,
    attempt: row.attempt,
    status: row.status,
    deps_completed: row.deps_completed,
    deps_required: row.deps_required,
    output,
    error: row.error || undefined,
    started_at: shownTime(row.started_at),
    finished_at: shownTime(row.finished_at),
    created_at: rfc3339(row.created_at),
  }));

export async function presentAttempts(deps: Deps, rows: AttemptRow[]): Promise<WithOutputs<Attempt>> {
  const { texts } = await gateTexts(
    deps.db,
    rows.map(({ approval }) => approval),
  );
  return withOutputs(deps, rows, (row, output) => ({
    attempt: row.attempt,
    status: row.status,
    cause: row.cause,
    job_run_id: row.job_run_id,
    output,
    error: row.error || undefined,
    approval: row.approval && presentGate(row.approval, row.attempt, texts),
    started_at: shownTime(row.started_at),
    finished_at: shownTime(row.finished_at),
  }));
}

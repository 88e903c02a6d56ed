import { WorkflowExecutionAlreadyStartedError } from "@temporalio/client";
import type { Deps } from "../../deps.ts";
import { Problem } from "../../errors.ts";
import { isOutage, unknownOutcome } from "../../outage.ts";
import { countRunning, insertRunWithinLimit } from "../../store/runs.ts";
import { slowJobsOf, type StoredWorkflow } from "../../store/workflows.ts";
import { STORED_WITHIN_MS } from "../../temporal/query-run.ts";
import { planOf, type PlanStep, type RunHeader } from "../../../workflows/engine/plan.ts";
import type { RunRow } from "../../../workflows/engine/mirror/rows.ts";
import { initialRun } from "../../../workflows/engine/run.ts";
import { runRow } from "../../../workflows/engine/mirror/view.ts";
import { type RunInput, TASK_QUEUE, WORKFLOW_TYPE } from "../../../workflows/messages.ts";
import { webUiHeaders } from "../../../workflows/web-ui.ts";

export const LIMIT_REACHED = "max concurrent runs reached";

/** As a plan is told it: a start itself is held to the limit under a lock. */
export const isFull = async ({ db }: Deps, { id, max_concurrent_runs: limit }: StoredWorkflow): Promise<boolean> =>
  limit > 0 && (await countRunning(db, id)) >= limit;

/** Starts a run in Temporal and mirrors its first row, under its workflow's limit of concurrent runs. */
export async function startRun(
  { db, starts, temporal }: Deps,
  header: RunHeader,
  steps: PlanStep[],
  maxConcurrentRuns: number,
  seed_from?: string,
): Promise<RunRow> {
  // Revision 0: whatever the run itself writes is newer.
  const row = { ...runRow(initialRun(planOf(header, steps))), revision: 0 };
  // KeyedRequest before the transaction: those that wait for its lock hold the other connections.
  const slow_jobs = await slowJobsOf(db, header.workflow_version_id);
  const input: RunInput = { run: header, steps, seed_from, slow_jobs };
  const begin = async () => {
    try {
      await temporal.withDeadline(Date.now() + STORED_WITHIN_MS, () =>
        temporal.workflow.start(WORKFLOW_TYPE, {
          ...webUiHeaders(header),
          workflowId: header.id,
          taskQueue: TASK_QUEUE,
          workflowIdReusePolicy: "REJECT_DUPLICATE",
          args: [input],
          requestEagerStart: true,
        }),
      );
    } catch (error) {
      // An earlier try under the same idempotency key got this far.
      if (error instanceof WorkflowExecutionAlreadyStartedError) return;
      if (isOutage(error)) throw unknownOutcome(error, `run ${header.id} may have begun`);
      throw error;
    }
  };
  if (!(await insertRunWithinLimit(starts, row, maxConcurrentRuns, begin)))
    throw new Problem("conflict", LIMIT_REACHED);
  return row;
}

import { WorkflowExecutionAlreadyStartedError } from "@temporalio/client";
import type { Deps } from "../../deps.ts";
import { Problem } from "../../errors.ts";
import { unknownOutcome } from "../../outage.ts";
import { inTransaction } from "../../store/postgres/transaction.ts";
import { insertJobRun } from "../../store/job-runs.ts";
import { countRunning, findRun, holdRun, insertRunWithinLimit } from "../../store/runs.ts";
import { findVersion, slowJobsOf } from "../../store/workflow-versions.ts";
import type { StoredWorkflow } from "../../store/workflows.ts";
import { traceOfNewRun } from "../../tracing/new-run.ts";
import { stored } from "../../temporal/in-time.ts";
import { triggers } from "../../topics.ts";
import { isRunOfJob, planOf, type PlanStep, type RunHeader } from "../../../workflows/engine/plan.ts";
import type { JobRunRow, RunRow } from "../../../workflows/engine/mirror/rows.ts";
import { initialRun, type Run } from "../../../workflows/engine/run.ts";
import { ownRows, runRow } from "../../../workflows/engine/mirror/view.ts";
import { type RunInput, TASK_QUEUE } from "../../../workflows/messages.ts";
import { type Definition, webUiHeaders } from "../../../workflows/web-ui/headers.ts";
import { workflowTypeOf } from "../../../workflows/web-ui/workflow-type.ts";

export const LIMIT_REACHED = "max concurrent runs reached";

/** For plans. A start takes its place under a lock instead. */
export const isFull = async (
  { db }: Deps,
  { id, max_concurrent_runs: limit }: Pick<StoredWorkflow, "id" | "max_concurrent_runs">,
): Promise<boolean> => limit > 0 && (await countRunning(db, id)) >= limit;

/** A run before it has mirrored itself. Revision 0: whatever it writes is newer. */
export const firstRow = (run: Run): RunRow => ({ ...runRow(run), revision: 0 });

/** The job run of a run that a trigger of a job makes, before a worker takes it up. */
function firstJobRun(run: Run): JobRunRow | undefined {
  const { jobRun } = ownRows(run, 0);
  return jobRun && { ...jobRun, revision: 0 };
}

/** `isNew`: this very call has begun it. */
export interface Started {
  row: RunRow;
  isNew: boolean;
}

/**
 * Starts a run in Temporal and stores its first row, under its workflow's limit of concurrent runs.
 *
 * Temporal is told while the transaction that has taken the run's place is open. If the row were committed first, a process that
 * dies in between would leave a run that holds a place and never begins, and a start that fails would take back a run that others
 * have seen. If Temporal were told first, a run would begin that has no place. So the row is seen by others once the run has
 * begun, and when the start fails, or the process dies, Postgres gives the place back by itself. A run that has begun though its
 * row was lost is no loss: it mirrors itself. One that is stored by now has been begun by the same request, which was faster.
 */
export async function startRun(
  deps: Deps,
  { trace: former, ...given }: RunHeader,
  steps: PlanStep[],
  maxConcurrentRuns: number,
  seed_from?: string,
): Promise<Started> {
  const { id, retry_of_run_id } = given;
  const retried = retry_of_run_id !== undefined && former ? { id: retry_of_run_id, trace: former } : undefined;
  const trace = deps.tracing && traceOfNewRun(deps.tracing.isSampled, id, retried);
  const header: RunHeader = { ...given, ...(trace && { trace }) };
  const run = initialRun(planOf(header, steps));
  const row = firstRow(run);
  const isOfJob = isRunOfJob({ run: header, steps });
  // A step whose end is kept calls nothing.
  const jobRun = isOfJob && seed_from === undefined ? firstJobRun(run) : undefined;
  // Read before the transaction: runs that wait for its lock hold the other connections.
  const slow_jobs = await slowJobsOf(deps.db, header.workflow_version_id);
  const { retry_of_run_id: source } = header;
  const definition = await findVersion(deps.db, header.workflow_version_id);
  const isNew = await inTransaction(deps.starts, async (transaction) => {
    if (source !== undefined && !(await holdRun(transaction, source)))
      throw new Problem("not_found", "workflow run not found");
    const place = await insertRunWithinLimit(transaction, row, maxConcurrentRuns, isOfJob ? "job" : "workflow");
    if (place === "full") throw new Problem("conflict", LIMIT_REACHED);
    if (place === "known") return false;
    if (jobRun) await insertJobRun(transaction, jobRun);
    await begin(deps, { run: header, steps, seed_from, slow_jobs }, definition);
    return true;
  });
  if (!isNew) return { row: (await findRun(deps.db, id)) ?? row, isNew };
  triggers.publish({ project: row.project_id });
  return { row, isNew };
}

async function begin(
  { temporal }: Deps,
  input: RunInput & { run: RunHeader },
  definition: Definition | undefined,
): Promise<void> {
  const { run } = input;
  try {
    const start = () =>
      temporal.workflow.start(workflowTypeOf(definition?.slug), {
        ...webUiHeaders(run, definition),
        workflowId: run.id,
        taskQueue: TASK_QUEUE,
        workflowIdReusePolicy: "REJECT_DUPLICATE",
        args: [input],
        requestEagerStart: true,
      });
    await stored(temporal, start, (outage) => unknownOutcome(outage, `run ${run.id} may have begun`));
  } catch (error) {
    // An earlier try under the same idempotency key has started it.
    if (error instanceof WorkflowExecutionAlreadyStartedError) return;
    throw error;
  }
}

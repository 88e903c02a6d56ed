import { WorkflowExecutionAlreadyStartedError } from "@temporalio/client";
import { TypedSearchAttributes } from "@temporalio/common";
import { plannedRuns } from "./planned-runs.ts";
import { logged } from "../command-log.ts";
import { idempotent } from "../idempotency/idempotent.ts";
import {
  type BulkOperation,
  type BulkOperationBody,
  type BulkPlan,
  MAX_BULK_RUNS,
} from "../../contract/bulk/operations.ts";
import { now } from "../../time/clock.ts";
import type { Deps } from "../../deps.ts";
import { invalid, Problem } from "../../errors.ts";
import { type Caller, projectOf, senderOf } from "../../identity/caller.ts";
import { matchingRuns } from "../../store/bulk-operation-items.ts";
import {
  findBulkOperation,
  insertBulkOperation,
  type NewBulkOperation,
  type StoredBulkOperation,
} from "../../store/bulk-operations.ts";
import { hasRuns } from "../../store/run-lists/list-runs.ts";
import { inTransaction } from "../../store/postgres/transaction.ts";
import { findWorkflow } from "../../store/workflows.ts";
import { stored } from "../../temporal/in-time.ts";
import { presentBulkOperation } from "../../views/bulk-operation.ts";
import { BULK_WORKFLOW_TYPE, type BulkInput } from "../../../workflows/bulk/messages.ts";
import { TASK_QUEUE } from "../../../workflows/messages.ts";
import { PROJECT_ATTRIBUTE } from "../../../workflows/web-ui/search-attributes.ts";

/** How many of its runs a plan names. */
const SHOWN_RUNS = 100;

/** Freezes the selection and starts the operation: runs that are made or change later do not alter it. */
export function createBulkOperation(
  deps: Deps,
  caller: Caller,
  body: BulkOperationBody,
  idempotencyKey?: string,
): Promise<BulkOperation> {
  const act = () => create(deps, caller, body, idempotencyKey);
  return logged(deps, { verb: `bulk-${body.operation}`, actor: caller.actor }, act, ({ id }) => ({
    bulk_operation: id,
  }));
}

async function create(
  deps: Deps,
  caller: Caller,
  body: BulkOperationBody,
  idempotencyKey?: string,
): Promise<BulkOperation> {
  const asked = { projectId: projectOf(caller, body.project_id), operation: "bulk operation", body, idempotencyKey };
  const stored = await idempotent(deps, asked, findBulkOperation, async () => {
    const { project_id, ids, said } = await selected(deps, caller, body);
    const { actor: created_by, groups, may_override } = senderOf(caller);
    return (id) => store(deps, { id, project_id, ...said, created_by, groups, may_override, created_at: now() }, ids);
  });
  return presentBulkOperation(stored);
}

/** Starts it while its transaction is open, for the reasons that start-run.ts gives: what can't be started is not stored. */
const store = (deps: Deps, row: NewBulkOperation, ids: string[] | undefined): Promise<StoredBulkOperation> =>
  inTransaction(deps.db, async (transaction) => {
    const total = await insertBulkOperation(transaction, row, ids, MAX_BULK_RUNS + 1);
    if (total !== undefined) {
      assertFew(total);
      await start(deps, row.project_id, row.id, `bulk ${row.operation} of ${total} runs`);
    }
    return (await findBulkOperation(transaction, row.id)) as StoredBulkOperation;
  });

/**
 * How many runs it would act upon, the first of them in the order in which they would be taken, and what it would make of
 * those as they are now.
 */
export async function previewBulkOperation(deps: Deps, caller: Caller, body: BulkOperationBody): Promise<BulkPlan> {
  const { project_id, ids, said } = await selected(deps, caller, body);
  const { total, first } = ids
    ? { total: ids.length, first: ids.slice(0, SHOWN_RUNS) }
    : await matchingRuns(deps.db, project_id, said.filter ?? {}, { most: MAX_BULK_RUNS + 1, shown: SHOWN_RUNS });
  assertFew(total);
  const runs = await plannedRuns(deps, { ...caller, projects: [project_id] }, first, said);
  const refused = runs.flatMap(({ workflow_run_id, code, reason = "" }) =>
    code === undefined ? [] : { workflow_run_id, code, error: reason },
  );
  return { dry_run: true, project_id, ...said, total, workflow_run_ids: first, runs, refused };
}

/** `said`: all but which project's runs, and which of them by name. */
async function selected(deps: Deps, caller: Caller, { project_id: named, ids, ...said }: BulkOperationBody) {
  const project_id = projectOf(caller, named);
  if (said.filter?.workflow_id !== undefined) await assertWorkflow(deps, project_id, said.filter.workflow_id);
  return { project_id, ids: ids && [...new Set(ids)], said };
}

function assertFew(total: number): void {
  if (total <= MAX_BULK_RUNS) return;
  const error = `filter matches more than ${MAX_BULK_RUNS} runs`;
  throw new Problem("validation_error", error, [`filter: matches more than ${MAX_BULK_RUNS} runs`]);
}

/** One that is deleted, or a job that has been run by itself, is known by its runs. */
async function assertWorkflow({ db }: Deps, projectId: string, workflowId: string): Promise<void> {
  const workflow = await findWorkflow(db, workflowId);
  if (workflow?.project_id === projectId) return;
  if (await hasRuns(db, projectId, workflowId)) return;
  throw invalid("filter.workflow_id", `filter references unknown workflow "${workflowId}"`);
}

async function start({ temporal }: Deps, projectId: string, id: string, summary: string): Promise<void> {
  const input: BulkInput = { operation_id: id };
  try {
    const start = () =>
      temporal.workflow.start(BULK_WORKFLOW_TYPE, {
        workflowId: id,
        taskQueue: TASK_QUEUE,
        // The workflow of an operation that was never stored fails: then the same id is started again.
        workflowIdReusePolicy: "ALLOW_DUPLICATE_FAILED_ONLY",
        staticSummary: summary,
        typedSearchAttributes: new TypedSearchAttributes([{ key: PROJECT_ATTRIBUTE, value: projectId }]),
        args: [input],
      });
    // The workflow of an operation that is not stored does nothing.
    await stored(temporal, start);
  } catch (error) {
    // An earlier try under the same idempotency key has started it.
    if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw error;
  }
}

import { WorkflowExecutionAlreadyStartedError } from "@temporalio/client";
import { TypedSearchAttributes } from "@temporalio/common";
import { once } from "../once.ts";
import { type BulkOperation, type BulkOperationBody, MAX_BULK_RUNS } from "../../contract/bulk-operations.ts";
import type { Deps } from "../../deps.ts";
import { Problem } from "../../errors.ts";
import { type Caller, projectOf } from "../../identity/caller.ts";
import { findBulkOperation, insertBulkOperation } from "../../store/bulk-operations.ts";
import { findWorkflow } from "../../store/workflows.ts";
import { presentBulkOperation } from "../../views/bulk-operation.ts";
import { BULK_WORKFLOW_TYPE, type BulkInput } from "../../../workflows/bulk/messages.ts";
import { PROJECT_ATTRIBUTE, TASK_QUEUE } from "../../../workflows/messages.ts";

/** Freezes the selection and starts the operation: runs that come later, or change, are neither in nor out of it. */
export async function createBulkOperation(
  deps: Deps,
  caller: Caller,
  body: BulkOperationBody,
  idempotencyKey?: string,
): Promise<BulkOperation> {
  const { db } = deps;
  const { operation, filter, reason, max_per_second } = body;
  const project_id = projectOf(caller, body.project_id);
  if (filter?.workflow_id !== undefined) await assertWorkflow(deps, project_id, filter.workflow_id);
  const ids = body.ids && [...new Set(body.ids)];
  const asked = { projectId: project_id, operation: "bulk operation", body, idempotencyKey };
  const stored = await once(deps, asked, findBulkOperation, (id) => {
    const created = { id, project_id, operation, filter, reason, max_per_second };
    const row = { ...created, created_by: caller.actor, created_at: Date.now() };
    return insertBulkOperation(db, row, ids, MAX_BULK_RUNS + 1, (total) => {
      if (total > MAX_BULK_RUNS) {
        const error = `filter matches more than ${MAX_BULK_RUNS} runs`;
        throw new Problem("validation_error", error, [`filter: matches more than ${MAX_BULK_RUNS} runs`]);
      }
      return start(deps, project_id, id, `bulk ${operation} of ${total} runs`);
    });
  });
  return presentBulkOperation(stored);
}

async function assertWorkflow({ db }: Deps, projectId: string, workflowId: string): Promise<void> {
  const workflow = await findWorkflow(db, workflowId);
  if (workflow?.project_id === projectId) return;
  const error = `filter references unknown workflow "${workflowId}"`;
  throw new Problem("validation_error", error, [`filter.workflow_id: ${error}`]);
}

async function start({ temporal }: Deps, projectId: string, id: string, summary: string): Promise<void> {
  const input: BulkInput = { operation_id: id };
  try {
    await temporal.workflow.start(BULK_WORKFLOW_TYPE, {
      workflowId: id,
      taskQueue: TASK_QUEUE,
      // One that was never stored gives up.
      workflowIdReusePolicy: "ALLOW_DUPLICATE_FAILED_ONLY",
      staticSummary: summary,
      typedSearchAttributes: new TypedSearchAttributes([{ key: PROJECT_ATTRIBUTE, value: projectId }]),
      args: [input],
    });
  } catch (error) {
    // An earlier try under the same idempotency key got this far.
    if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw error;
  }
}

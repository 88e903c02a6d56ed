import type { BulkItem, BulkOperation } from "../contract/bulk/operations.ts";
import type { StoredBulkItem } from "../store/bulk-operation-items.ts";
import type { StoredBulkOperation } from "../store/bulk-operations.ts";
import { rfc3339 } from "../../workflows/engine/time.ts";
import { shownTime } from "./shown-time.ts";

export function presentBulkOperation(row: StoredBulkOperation): BulkOperation {
  const { total, applied, skipped, failed } = row;
  return {
    id: row.id,
    project_id: row.project_id,
    operation: row.operation,
    status: row.status,
    step_ref: row.step_ref,
    filter: row.filter,
    reason: row.reason || undefined,
    max_per_second: row.max_per_second,
    version: row.version,
    progress: { total, pending: total - applied - skipped - failed, applied, skipped, failed },
    created_by: row.created_by,
    created_at: rfc3339(row.created_at),
    finished_at: shownTime(row.finished_at),
  };
}

export function presentItem({ run_id, status, code, error, new_run_id, settled_at }: StoredBulkItem): BulkItem {
  return {
    workflow_run_id: run_id,
    status,
    code,
    error,
    new_run_id,
    settled_at: shownTime(settled_at),
  };
}

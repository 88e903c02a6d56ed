import type { ApprovalCounts, ListedApproval } from "../../contract/approvals.ts";
import type { Cursor } from "../../contract/cursor.ts";
import type { Approval } from "../../contract/runs.ts";
import type { Deps } from "../../deps.ts";
import { Problem, refusal } from "../../errors.ts";
import { type Caller, projectOf } from "../../identity/caller.ts";
import { mirroredRun } from "../mirrored-run.ts";
import { fittingPageOf, type Page } from "../page.ts";
import { findOwnRun } from "../runs.ts";
import { startsOf } from "./gate-starts.ts";
import {
  type ApprovalsFilter,
  countApprovals as count,
  type ListedApproval as Row,
  listApprovalsOf,
} from "../../store/approvals/approval-lists.ts";
import { presentApprovals } from "../../views/approval.ts";
import { unlessEmpty } from "../../views/unless-empty.ts";
import { unknownStep } from "../../../workflows/engine/command.ts";
import { isStepRef } from "../../../workflows/engine/definition/validate.ts";
import { notAsked } from "../../../workflows/engine/steps/gate/decisions.ts";
import { quoted } from "../../../workflows/expressions/printed.ts";

type Asked = Omit<ApprovalsFilter, "project_id" | "mine"> & { project_id?: string; mine: boolean };

export function listApprovals(
  deps: Deps,
  caller: Caller,
  { limit, cursor, ...asked }: Asked & { limit: number; cursor?: Cursor },
): Promise<Page<ListedApproval>> {
  const filter = filterOf(caller, asked);
  return fittingPageOf(
    limit,
    (most) => listApprovalsOf(deps.db, { ...filter, cursor, limit: most }),
    (rows) => present(deps, rows),
    ({ place }) => place,
  );
}

/** What a gate is about, what was said to it, and what became of it. */
export async function getApproval(deps: Deps, caller: Caller, runId: string, stepRef: string): Promise<ListedApproval> {
  const run = await findOwnRun(deps, caller, runId);
  // No step can have this name, and not every text reaches Postgres.
  if (!isStepRef(stepRef)) throw refusal(unknownStep("approve", stepRef));
  const of = { run_id: run.id, step_ref: stepRef };
  const [approval] = await present(deps, await listApprovalsOf(deps.db, { project_id: run.project_id, of, limit: 1 }));
  if (approval) return approval;
  const { plan } = await mirroredRun(deps, run);
  const step = plan.steps[plan.index.get(stepRef) ?? -1];
  const { details } = step ? notAsked(step) : unknownStep("approve", stepRef);
  throw new Problem("not_found", `approval not found for step ${quoted(stepRef)}`, details);
}

export const countApprovals = (deps: Deps, caller: Caller, asked: Asked): Promise<ApprovalCounts> =>
  count(deps.db, filterOf(caller, asked));

function filterOf(caller: Caller, { mine, project_id, ...asked }: Asked): ApprovalsFilter {
  return {
    ...asked,
    project_id: projectOf(caller, project_id),
    mine: mine ? { actor: caller.actor, groups: caller.groups ?? [] } : undefined,
  };
}

async function present(deps: Deps, rows: Row[]): Promise<ListedApproval[]> {
  const approvals = await presentApprovals(
    deps,
    rows.map(({ row }) => row),
  );
  const shown = rows.slice(0, approvals.length);
  const starts = await startsOf(deps, shown);
  return shown.map(({ row, run }, i) => ({
    ...(approvals[i] as Approval),
    project_id: row.project_id ?? "",
    step_ref: row.step_ref ?? "",
    workflow_id: run.workflow_id,
    workflow_name: run.workflow_name,
    triggered_by: run.triggered_by,
    created_by: run.created_by,
    tags: unlessEmpty(run.tags),
    starts: starts[i],
  }));
}

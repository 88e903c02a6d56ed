import type { ApprovalCounts, ListedApproval } from "../contract/approvals.ts";
import type { Cursor } from "../contract/cursor.ts";
import type { StepOverride } from "../contract/workflows.ts";
import type { Approval } from "../contract/runs.ts";
import type { Deps } from "../deps.ts";
import { Problem, refusal } from "../errors.ts";
import { type Caller, projectOf } from "../identity/caller.ts";
import { fittingPageOf, type Page } from "./page.ts";
import { findOwnRun } from "./runs.ts";
import {
  type ApprovalsFilter,
  countApprovals as count,
  type ListedApproval as Row,
  listApprovalsOf,
} from "../store/approvals/approval-lists.ts";
import { listStatuses, listStepRows, type StepStatusRow } from "../store/steps.ts";
import { findVersion, planSteps } from "../store/workflow-versions.ts";
import { presentApprovals } from "../views/approval.ts";
import { unlessEmpty } from "../views/unless-empty.ts";
import { unknownStep } from "../../workflows/engine/command.ts";
import { isStepRef } from "../../workflows/engine/definition/validate.ts";
import { besides, unblockedBy } from "../../workflows/engine/gates/unblocks.ts";
import { enabledSteps, graphOf, type Plan } from "../../workflows/engine/plan.ts";
import type { StepState } from "../../workflows/engine/state.ts";
import { quoted } from "../../workflows/expressions/printed.ts";

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
  const { id, project_id } = await findOwnRun(deps, caller, runId);
  // No step can have this name, and not every text reaches Postgres.
  if (!isStepRef(stepRef)) throw refusal(unknownStep("approve", stepRef));
  const of = { run_id: id, step_ref: stepRef };
  const [approval] = await present(deps, await listApprovalsOf(deps.db, { project_id, of, limit: 1 }));
  if (!approval) throw new Problem("not_found", `approval not found for step ${quoted(stepRef)}`);
  return approval;
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

/** Of each gate that is pending the steps that it alone holds back. */
async function startsOf({ db }: Deps, rows: Row[]): Promise<(string[] | undefined)[]> {
  const gates = await Promise.all(
    rows.map(async ({ row, run }) => {
      const version = row.status === "pending" ? await findVersion(db, run.workflow_version_id) : undefined;
      if (!version) return undefined;
      const overrides = JSON.parse(run.step_overrides ?? "[]") as StepOverride[];
      const steps = enabledSteps(planSteps(version), overrides);
      // Nothing of the run itself is asked for.
      const plan = { run: {}, steps, ...graphOf(steps) } as Plan;
      const gate = plan.index.get(row.step_ref ?? "") ?? -1;
      return { plan, gate, run_id: row.run_id, others: besides(plan, gate) };
    }),
  );
  const asked = gates.flatMap((one) => one?.others.map((idx) => ({ run_id: one.run_id, idx })) ?? []);
  const found = await listStatuses(db, asked);
  return Promise.all(
    gates.map(async (one) => {
      if (!one) return undefined;
      const own = found.filter(({ run_id }) => run_id === one.run_id);
      const isAtPlace = ({ idx, step_ref }: StepStatusRow) => one.plan.steps[idx]?.step_ref === step_ref;
      // A run that was moved to another version has its steps at other places than that.
      const rows = own.every(isAtPlace) ? own : await listStepRows(db, one.run_id);
      const steps: Pick<StepState, "status" | "cause">[] = [];
      for (const { step_ref, status, cause } of rows) steps[one.plan.index.get(step_ref) ?? -1] = { status, cause };
      return unblockedBy(one.plan, one.gate, steps);
    }),
  );
}

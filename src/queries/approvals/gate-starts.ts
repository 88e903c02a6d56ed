import type { StepOverride } from "../../contract/workflows.ts";
import type { Deps } from "../../deps.ts";
import { mirroredRun } from "../mirrored-run.ts";
import { listStatuses, listStepRows, type StepStatusRow } from "../../store/steps.ts";
import { findVersion, planSteps } from "../../store/workflow-versions.ts";
import { besides, unblockedBy } from "../../../workflows/engine/gates/unblocks.ts";
import type { ApprovalRow, RunRow } from "../../../workflows/engine/mirror/rows.ts";
import { enabledSteps, graphOf, type Plan } from "../../../workflows/engine/plan.ts";
import { previewOf } from "../../../workflows/engine/preview.ts";
import type { StepState } from "../../../workflows/engine/state.ts";

interface Gate {
  row: Pick<ApprovalRow, "status" | "run_id" | "step_ref">;
  run: { workflow_version_id: string; step_overrides?: StepOverride[] };
}

/** Of each gate that is pending the steps that it alone holds back. */
export async function startsOf({ db }: Deps, rows: Gate[]): Promise<(string[] | undefined)[]> {
  const gates = await Promise.all(
    rows.map(async ({ row, run }) => {
      const version = row.status === "pending" ? await findVersion(db, run.workflow_version_id) : undefined;
      if (!version) return undefined;
      const steps = enabledSteps(planSteps(version), run.step_overrides);
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

/** A dry run costs as much as the run is large. */
const MOST_PLAYED = 2_000;

/**
 * Of a gate with options, by option, the steps that choosing it starts at once: a dry run by the engine of each. Undefined where
 * that can't be told, or not quickly: a condition may read the values of a form, and a paused run starts nothing yet.
 */
export async function startsByOption(deps: Deps, row: RunRow, gate: Pick<ApprovalRow, "step_ref">) {
  if (row.status !== "running") return undefined;
  const { plan, state } = await mirroredRun(deps, row);
  const { step_ref = "" } = gate;
  const { approval_options: options = [], approval_form } = plan.steps[plan.index.get(step_ref) ?? -1] ?? {};
  if (options.length === 0 || approval_form || options.length * plan.steps.length > MOST_PLAYED) return undefined;
  const found = new Map<string, string[]>();
  for (const option of options) {
    const result = { text: JSON.stringify({ option, by: "" }) };
    const forced = { verb: "force-complete", actor: "", may_override: true, step_ref, result } as const;
    const seen = previewOf(plan, state, forced, Date.now());
    if (seen.status === "refused") return undefined;
    found.set(
      option,
      seen.steps.filter(({ actions }) => actions.includes("started")).map((step) => step.step_ref),
    );
  }
  return found;
}

import type { Canceler } from "../../store/accepted-commands.ts";
import type { FoundDecision } from "../../views/decision.ts";
import { decisionId, stepRunId } from "../../../workflows/engine/ids.ts";
import type { RunRow } from "../../../workflows/engine/mirror/rows.ts";
import type { PlanStep } from "../../../workflows/engine/plan.ts";
import type { Derived } from "../../../workflows/engine/reasons/reason.ts";
import { waitOf } from "../../../workflows/engine/reasons/waits.ts";
import type { Run } from "../../../workflows/engine/run.ts";
import { deadEndBefore } from "../../../workflows/engine/schedule.ts";
import type { StepState } from "../../../workflows/engine/state.ts";

/** What a run's rows and its definition say by themselves, of every step that it is true of. */
export function derivedDecisions(row: RunRow, run: Run, defined: PlanStep[], canceler?: Canceler): FoundDecision[] {
  const { id, created_at, created_by } = row;
  const told = (step_ref: string, { at, reason }: { at: number; reason: Derived }, i?: number): FoundDecision => ({
    id: decisionId(id, step_ref, reason.reason),
    at,
    step_run_id: i === undefined ? undefined : stepRunId(id, i),
    step_ref,
    reason,
  });
  const disabled = defined.filter(({ step_ref }) => !run.plan.index.has(step_ref));
  return [
    ...disabled.map(({ step_ref }) =>
      told(step_ref, { at: created_at, reason: { reason: "disabled", by: created_by } }),
    ),
    ...run.plan.steps.flatMap(({ step_ref }, i) => {
      const found = derivedOf(row, run, i, canceler);
      return found ? told(step_ref, found, i) : [];
    }),
  ];
}

function derivedOf(row: RunRow, run: Run, i: number, canceler?: Canceler): { at: number; reason: Derived } | undefined {
  const { plan, state } = run;
  const { status, cause, finished_at: at = row.created_at } = state.steps[i] as StepState;
  const parents = plan.dependencies[i] ?? [];
  if (status === "canceled") {
    const why = canceler ? { by: canceler.actor, comment: canceler.reason } : { error: row.error };
    return { at, reason: { reason: "run_over", status: row.status, ...why } };
  }
  if (cause === "dependency") {
    const parent = deadEndBefore(plan, state, i) ?? -1;
    const { step_ref = "" } = plan.steps[parent] ?? {};
    return { at, reason: { reason: "dependency", step_ref, status: state.steps[parent]?.status ?? "skipped" } };
  }
  const reason = waitOf(run, i);
  if (reason?.reason === "dependencies") {
    const ends = parents.map((p) => state.steps[p]?.finished_at ?? row.created_at);
    return { at: Math.max(row.created_at, ...ends), reason };
  }
  // Whoever takes it up writes its row.
  return row.revision === 0 && !reason ? { at: row.created_at, reason: { reason: "not_taken_up" } } : undefined;
}

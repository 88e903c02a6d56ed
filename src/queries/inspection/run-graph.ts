import type { RunGraph } from "../../contract/inspection.ts";
import type { Deps } from "../../deps.ts";
import type { Caller } from "../../identity/caller.ts";
import { criticalPath } from "../../rules/critical-path.ts";
import { rootsOf } from "../../rules/definition-graph.ts";
import { shownTime } from "../../views/shown-time.ts";
import { hasBegun } from "../../../workflows/engine/transitions.ts";
import { mirroredRun } from "../mirrored-run.ts";
import { findOwnRun } from "../runs.ts";
import { durationOf, stepsOf } from "./steps-of-run.ts";

/** What depends on what in a run, how far it is, and which way through it takes longest. */
export async function getRunGraph(deps: Deps, caller: Caller, runId: string): Promise<RunGraph> {
  const row = await findOwnRun(deps, caller, runId);
  const steps = stepsOf(await mirroredRun(deps, row)).map((step) => ({ took: durationOf(step.row), ...step }));
  // How long some of what is to come takes is not known. It comes nevertheless: of ways that take as long, the one goes on with it.
  const moment = 1 / (steps.length + 1);
  const timed = new Map(
    steps.map(({ definition, row: step, took: elapsed = 0 }) => {
      const isOver = step.finished_at !== undefined;
      const estimate_ms = isOver ? elapsed : (definition.timeout_secs_override ?? 0) * 1000 || elapsed;
      const remaining = isOver ? 0 : Math.max(0, estimate_ms - elapsed);
      const { step_ref, depends_on } = definition;
      return [step_ref, { step_ref, depends_on, estimate_ms, remaining, isOver }];
    }),
  );
  const critical_path = criticalPath(
    [...timed.values()].map((step) => ({ ...step, estimate_ms: step.estimate_ms + (step.isOver ? 0 : moment) })),
  );
  const sum = (of: "estimate_ms" | "remaining") =>
    critical_path.reduce((total, ref) => total + (timed.get(ref)?.[of] ?? 0), 0);
  return {
    workflow_run_id: row.id,
    workflow_id: row.workflow_id,
    version: row.workflow_version,
    nodes: steps.map(({ definition: { step_type, depends_on }, row: step, took }) => ({
      step_ref: step.step_ref,
      type: step_type,
      status: step.status,
      depends_on: depends_on.length > 0 ? depends_on : undefined,
      attempt: step.attempt,
      started_at: shownTime(step.started_at),
      finished_at: shownTime(step.finished_at),
      duration_ms: took,
    })),
    edges: steps.flatMap(({ definition: { step_ref: to, depends_on } }) => depends_on.map((from) => ({ from, to }))),
    roots: rootsOf(steps.map(({ definition }) => definition)),
    runnable: steps
      .filter(({ row: step }) => !hasBegun(step) && step.deps_completed === step.deps_required)
      .map(({ row: step }) => step.step_ref)
      .sort(),
    critical_path,
    critical_path_estimate_ms: sum("estimate_ms"),
    critical_path_remaining_ms: sum("remaining"),
  };
}

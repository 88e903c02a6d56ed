import type { Deps } from "../../deps.ts";
import { mirroredRun } from "../../queries/mirrored-run.ts";
import { findRun } from "../../store/runs.ts";
import { exclusionOf } from "../../../workflows/engine/gates/gate.ts";
import { involvedIn } from "../../../workflows/engine/gates/may-pass.ts";
import type { ApprovalRow } from "../../../workflows/engine/mirror/rows.ts";

/** Why somebody has no vote on a gate that names them. The run is read only where the gate excludes anybody. */
export async function excludedFrom(deps: Deps, gate: ApprovalRow): Promise<(person: string) => string | undefined> {
  const run = gate.exclude?.length ? await findRun(deps.db, gate.run_id) : undefined;
  if (!run) return () => undefined;
  const { plan, state } = await mirroredRun(deps, run);
  const involved = involvedIn(plan, state);
  return (person) => exclusionOf(gate, person, involved, gate.step_ref);
}

import type { Attempt } from "../contract/runs.ts";
import type { Deps } from "../deps.ts";
import { refusal } from "../errors.ts";
import type { Caller } from "../identity/caller.ts";
import { type ListPart, listPart, type PartRequest } from "./list-part.ts";
import { mirroredRun } from "./mirrored-run.ts";
import { findOwnRun } from "./runs.ts";
import { listAttempts } from "../store/step-attempts.ts";
import { presentAttempts } from "../views/step.ts";
import { attemptRow } from "../../workflows/engine/mirror/attempts.ts";
import { unknownStep } from "../../workflows/engine/command.ts";

/** Every attempt of a step, oldest first; the last one is the step as it is now. */
export async function listStepAttempts(
  deps: Deps,
  caller: Caller,
  runId: string,
  stepRef: string,
  part: PartRequest,
): Promise<ListPart<Attempt>> {
  const run = await mirroredRun(deps, await findOwnRun(deps, caller, runId));
  const i = run.plan.index.get(stepRef);
  if (i === undefined) throw refusal(unknownStep("attempts", stepRef));
  const latest = attemptRow(run, i);
  const earlier = await listAttempts(deps.db, latest.step_run_id);
  return listPart([...earlier, latest], part, (rows) => presentAttempts(deps, rows));
}

import { planOf } from "../engine/plan.ts";
import { assumeTold } from "../engine/reasons/tell.ts";
import { restoredRun, type Run } from "../engine/run.ts";
import { mirroredState } from "../engine/mirror/stored-run.ts";
import type { RunInput } from "../messages.ts";
import { retryingRun } from "../engine/recovery/kept.ts";
import { effects } from "../proxies.ts";

/** The run that an execution begins with: a new one, a closed one that is opened again, or one carried from a former execution. */
export async function open(input: RunInput): Promise<Run> {
  if ("carried" in input) {
    const run = restoredRun(planOf(input.run, input.steps), input.carried);
    assumeTold(run);
    return run;
  }
  if ("reopen" in input) {
    const { header, steps, row, rows, commands, approvals } = await effects.loadRun({ run_id: input.reopen });
    const plan = planOf(header, steps);
    return restoredRun(plan, mirroredState(plan, row, rows, commands, approvals));
  }
  const completed = input.seed_from ? await effects.loadCompleted({ run_id: input.seed_from }) : [];
  return retryingRun(planOf(input.run, input.steps), completed);
}

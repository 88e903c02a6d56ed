import pMap from "p-map";
import { replayed } from "./bulk-replay.ts";
import { attempting, CONCURRENCY } from "./each-run.ts";
import { stepsFor } from "./steps-for.ts";
import { previewCancel } from "../runs/cancel-run.ts";
import { previewRetry } from "../runs/retry-run.ts";
import { previewSteering } from "../runs/steer-run.ts";
import type { BulkOperationBody, BulkPlan } from "../../contract/bulk/operations.ts";
import type { Deps } from "../../deps.ts";
import type { Caller } from "../../identity/caller.ts";
import { findOwnRun } from "../../queries/runs.ts";

type Asked = Pick<BulkOperationBody, "operation" | "step_ref" | "reason">;

/** Which of the runs would refuse the operation as they are now, each by itself, and why. One that is as wanted already would not. */
export async function refusals(deps: Deps, caller: Caller, ids: string[], asked: Asked): Promise<BulkPlan["refused"]> {
  const { attempt } = attempting(deps);
  const found = await pMap(
    ids,
    async (workflow_run_id) => {
      const seen = await attempt(() => preview(deps, caller, workflow_run_id, asked));
      return "error" in seen ? [{ workflow_run_id, code: seen.code, error: seen.error }] : [];
    },
    { concurrency: CONCURRENCY },
  );
  return found.flat();
}

const AS_WANTED: Partial<Record<Asked["operation"], string>> = {
  cancel: "canceled",
  pause: "paused",
  resume: "running",
};

async function preview(deps: Deps, caller: Caller, runId: string, { operation, ...asked }: Asked): Promise<void> {
  if (operation === "replay") {
    await previewRetry(deps, caller, await replayed(deps, caller, runId), {});
    return;
  }
  const run = await findOwnRun(deps, caller, runId);
  if (run.status === AS_WANTED[operation]) return;
  switch (operation) {
    case "cancel":
      await previewCancel(deps, caller, runId);
      return;
    case "pause":
    case "resume":
      await previewSteering(deps, caller, { runId, verb: operation });
      return;
    default:
      for (const stepRef of await stepsFor(deps, run, operation, asked.step_ref))
        await previewSteering(deps, caller, { runId, verb: operation, stepRef, reason: asked.reason });
  }
}

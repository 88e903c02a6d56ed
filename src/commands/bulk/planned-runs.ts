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

type Asked = Pick<BulkOperationBody, "operation" | "step_ref" | "reason" | "version">;

/** What the operation would make of each of the runs as they are now, each by itself, and why. */
export async function plannedRuns(deps: Deps, caller: Caller, ids: string[], asked: Asked): Promise<BulkPlan["runs"]> {
  const { attempt } = attempting(deps);
  return pMap(
    ids,
    async (workflow_run_id) => {
      const seen = await attempt(() => preview(deps, caller, workflow_run_id, asked));
      if ("error" in seen) return { workflow_run_id, outcome: "refused" as const, code: seen.code, reason: seen.error };
      if (seen.value === undefined) return { workflow_run_id, outcome: "applies" as const };
      return { workflow_run_id, outcome: "skipped" as const, reason: seen.value };
    },
    { concurrency: CONCURRENCY },
  );
}

const AS_WANTED: Partial<Record<Asked["operation"], string>> = {
  cancel: "canceled",
  pause: "paused",
  resume: "running",
};

/** Why the run would be skipped. Undefined: it would be acted upon. */
async function preview(
  deps: Deps,
  caller: Caller,
  runId: string,
  { operation, ...asked }: Asked,
): Promise<string | undefined> {
  if (operation === "replay") {
    await previewRetry(deps, caller, await replayed(deps, caller, runId), { version: asked.version });
    return undefined;
  }
  const run = await findOwnRun(deps, caller, runId);
  if (run.status === AS_WANTED[operation]) return `workflow run is ${run.status} already`;
  switch (operation) {
    case "cancel":
      await previewCancel(deps, caller, runId);
      return undefined;
    case "pause":
    case "resume":
      await previewSteering(deps, caller, { runId, verb: operation });
      return undefined;
    default: {
      const steps = await stepsFor(deps, run, operation, asked.step_ref);
      for (const stepRef of steps)
        await previewSteering(deps, caller, {
          runId,
          verb: operation,
          stepRef,
          reason: asked.reason,
          payloads: { version: asked.version },
        });
      if (steps.length > 0) return undefined;
      // What has failed of it was let pass.
      return `workflow run is ${run.status}${run.status === "completed" ? "" : ", and nothing of it has failed"}`;
    }
  }
}

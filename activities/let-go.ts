import { ApplicationFailure, Context } from "@temporalio/activity";
import { letGo as letGoOfRuns } from "../src/commands/retention/let-go.ts";
import type { Deps } from "../src/deps.ts";
import { parseRetention } from "../src/rules/retention.ts";
import type { Activities } from "../workflows/activity-types.ts";

/** After this the workflow goes on with another activity. */
const SLICE_MS = 600_000;
const HEARTBEAT_MS = 1_000;

export function letGo(deps: Deps): Activities["letGo"] {
  return async ({ retention }) => {
    const context = Context.current();
    const heartbeat = setInterval(() => context.heartbeat(), HEARTBEAT_MS);
    // A worker that is stopped does not wait for the rest: another one goes on.
    const signal = AbortSignal.any([context.cancellationSignal, deps.stopping, AbortSignal.timeout(SLICE_MS)]);
    try {
      const { runs, keys } = await letGoOfRuns(deps, parseRetention(retention), { signal });
      if (runs + keys > 0) deps.log.info({ runs, keys }, "retention has deleted");
      if (deps.stopping.aborted)
        throw ApplicationFailure.create({ message: "the worker stops", nextRetryDelay: "10s" });
      return { deleted: runs, is_done: !signal.aborted };
    } finally {
      clearInterval(heartbeat);
    }
  };
}

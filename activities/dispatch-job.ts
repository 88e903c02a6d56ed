import { ApplicationFailure, CancelledFailure, Context } from "@temporalio/activity";
import type { JsonDoc } from "../src/contract/json.ts";
import type { Deps } from "../src/deps.ts";
import { saveDocument } from "../src/store/documents.ts";
import type { Endpoints } from "./endpoint-agent.ts";
import type { Activities, DispatchInput } from "./index.ts";
import { attemptJob } from "./job-attempt.ts";

const HEARTBEAT_MS = 1_000;
const LONGEST_PAUSE_MS = 5_000;

/** Above this, the server would refuse the heartbeat and fail the attempt with it. */
const MAX_CARRIED_BYTES = 1_500_000;

/** An answer that could not be stored yet. It travels with the heartbeats, so that the next worker need not call again. */
interface Carried {
  text?: string;
}

export function dispatchJob(deps: Deps, endpoints: Endpoints): Activities["dispatchJob"] {
  return async (input) => {
    const context = Context.current();
    const carried: Carried = context.info.heartbeatDetails ?? {};
    const heartbeat = setInterval(() => context.heartbeat(carried), HEARTBEAT_MS);
    try {
      const text = carried.text ?? (await attemptJob(deps, endpoints, input, context.cancellationSignal));
      return text === undefined ? {} : { output: await save(deps, input, text, carried) };
    } catch (error) {
      throw resumable(error);
    } finally {
      clearInterval(heartbeat);
    }
  };
}

/** An answer is worth more than an outage: without Postgres it is kept and tried again until it is stored. */
async function save(deps: Deps, { sources }: DispatchInput, text: string, carried: Carried): Promise<JsonDoc> {
  for (let pause = 100; ; pause = Math.min(pause * 2, LONGEST_PAUSE_MS)) {
    try {
      return await saveDocument(deps.db, sources.project_id, sources.run_id, text);
    } catch (error) {
      deps.log.warn({ err: error, run_id: sources.run_id }, "output not stored yet");
      if (Buffer.byteLength(JSON.stringify(text)) <= MAX_CARRIED_BYTES) carried.text = text;
    }
    await Context.current().sleep(pause);
  }
}

/** A worker that shuts down cancels its attempts, too. That is nobody's decision about the step: another worker makes it again. */
function resumable(error: unknown): unknown {
  if (!(error instanceof CancelledFailure) || error.message !== "WORKER_SHUTDOWN") return error;
  return ApplicationFailure.retryable("the worker was shut down during the attempt", "WorkerShutdown");
}

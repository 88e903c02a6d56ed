import { setTimeout as pauseFor } from "node:timers/promises";
import { ApplicationFailure, CancelledFailure, Context } from "@temporalio/activity";
import type { JsonDoc } from "../src/contract/json.ts";
import type { Deps } from "../src/deps.ts";
import { saveDocument } from "../src/store/documents.ts";
import { type Attempt, Attempts, type Outcome } from "./attempts.ts";
import type { Endpoints } from "./endpoint-agent.ts";
import type { Activities, Carried, DispatchInput, GoesOn } from "./index.ts";
import { attemptJob } from "./job-attempt.ts";

const HEARTBEAT_MS = 1_000;
const LONGEST_PAUSE_MS = 5_000;

/** How long a local activity waits for an answer, and with it every signal to the run. */
const LOCAL_MS = 200;
/** More calls than this at once, and each takes its place among the ordinary activities. */
export const MOST_LOCAL_CALLS = 1_000;

/** How long the activity that is to go on waiting may take to come. */
const HANDED_OVER_MS = 10_000;
/** The same after the server, or the run, no longer knew the activity that waited: a server that was away asks again at once. */
const LOST_MS = 3_000;

/** Above this, the server would refuse the heartbeat and fail the attempt with it. */
const MAX_CARRIED_BYTES = 1_500_000;

/** `ownQueue` is the task queue that only this process takes from. */
export function dispatchJob(deps: Deps, endpoints: Endpoints, ownQueue: string): Activities["dispatchJob"] {
  const attempts = new Attempts();
  return async (input) => {
    const since = Date.now();
    const { info } = Context.current();
    if (info.isLocal && attempts.going >= MOST_LOCAL_CALLS)
      throw ApplicationFailure.retryable("too many calls at once", "Busy");
    const carried: Carried = { ...(info.heartbeatDetails ?? input.carried) };
    const attempt = attempts.join(`${input.job_run_id}/${input.attempt}`, carried, async (canceled) => {
      const text = carried.text ?? (await attemptJob(deps, endpoints, input, canceled));
      return text === undefined ? {} : { output: await save(deps, input, text, carried, canceled) };
    });
    const result = await (info.isLocal ? waitBriefly(attempt, ownQueue) : wait(attempt));
    return { ...result, took: Date.now() - since };
  };
}

type Later = Omit<GoesOn, "took">;

async function waitBriefly(attempt: Attempt, ownQueue: string): Promise<Outcome | Later> {
  const enough = new AbortController();
  const tooLong = pauseFor<Later>(LOCAL_MS, { goes_on_at: ownQueue }, { signal: enough.signal });
  tooLong.catch(() => {});
  return awaited(attempt, tooLong).finally(() => enough.abort());
}

async function wait(attempt: Attempt): Promise<Outcome> {
  const context = Context.current();
  const heartbeat = setInterval(() => context.heartbeat(attempt.carried), HEARTBEAT_MS);
  return awaited(attempt).finally(() => clearInterval(heartbeat)) as Promise<Outcome>;
}

async function awaited(attempt: Attempt, ...others: Promise<Later>[]): Promise<Outcome | Later> {
  let leave = () => attempt.leave(HANDED_OVER_MS);
  try {
    return await Promise.race([attempt.outcome, Context.current().cancelled, ...others]);
  } catch (error) {
    if (!(error instanceof CancelledFailure)) throw error;
    leave = () => attempt.leave(isDecided(error) ? 0 : LOST_MS, error);
    // A worker that shuts down is nobody's decision about the step: another one makes the attempt again.
    if (error.message !== "WORKER_SHUTDOWN") throw error;
    const details = [attempt.carried];
    throw ApplicationFailure.create({ type: "WorkerShutdown", message: "the worker was shut down", details });
  } finally {
    leave();
  }
}

/** The run, or this process, is done with the attempt. Anything else only says that the server lost track of it. */
const isDecided = ({ message }: CancelledFailure): boolean => message === "CANCELLED" || message === "WORKER_SHUTDOWN";

/** An answer is worth more than an outage: without Postgres it is kept and tried again until it is stored. */
async function save(
  deps: Deps,
  { sources }: DispatchInput,
  text: string,
  carried: Carried,
  canceled: AbortSignal,
): Promise<JsonDoc> {
  for (let pause = 100; ; pause = Math.min(pause * 2, LONGEST_PAUSE_MS)) {
    try {
      return await saveDocument(deps.db, sources.project_id, sources.run_id, text);
    } catch (error) {
      deps.log.warn({ err: error, run_id: sources.run_id }, "output not stored yet");
      if (Buffer.byteLength(JSON.stringify(text)) <= MAX_CARRIED_BYTES) carried.text = text;
    }
    await pauseFor(pause, undefined, { signal: canceled });
  }
}

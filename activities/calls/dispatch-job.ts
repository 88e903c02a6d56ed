import { ApplicationFailure, type Context as ActivityContext, CancelledFailure, Context } from "@temporalio/activity";
import { setTimeout as pauseFor } from "node:timers/promises";
import type { Call, CallsInFlight, IsAwaited } from "./calls-in-flight.ts";
import { isAwaited } from "./is-awaited.ts";
import type { Journal } from "./journal.ts";
import { callName, type Outcome } from "./outcome.ts";
import { playAhead } from "./play-ahead.ts";
import { SlowJobs } from "./slow-jobs.ts";
import type { Endpoints } from "../endpoint/endpoint-agent.ts";
import { attemptJob } from "../endpoint/job-attempt.ts";
import type { JsonDoc } from "../../src/contract/json.ts";
import type { Deps } from "../../src/deps.ts";
import { findOutcomes } from "../../src/store/call-journal.ts";
import { saveDocument } from "../../src/store/documents.ts";
import { Presence, type WasAway } from "../../src/time/presence.ts";
import { dispatches } from "../../src/topics.ts";
import type {
  Activities,
  CallOutcome,
  DispatchInput,
  Heartbeat,
  UnsavedOutput,
} from "../../workflows/activity-types.ts";
import { failureOf, isFinal } from "../../workflows/attempt-failure.ts";
import { AWAY_MS, HEARTBEAT_MS } from "../../workflows/timing.ts";

const LONGEST_PAUSE_MS = 5_000;

/** Above this, the server would refuse the heartbeat and fail the attempt with it. */
const MAX_UNSAVED_BYTES = 1_500_000;

/** The two ways to make an HTTP attempt, over the same calls. `ownQueue` is the task queue that only this process takes from. */
export function dispatching(
  deps: Deps,
  endpoints: Endpoints,
  ownQueue: string,
  calls: CallsInFlight,
  journal: Journal,
): Pick<Activities, "dispatchJob" | "playAhead"> {
  const slowJobs = new SlowJobs(deps);
  const presence = new Presence(AWAY_MS);

  function join(input: DispatchInput, wasAway: WasAway, lastHeartbeat?: UnsavedOutput): Call {
    const unsaved: UnsavedOutput = { ...(lastHeartbeat ?? input.carried) };
    const make = async (canceled: AbortSignal): Promise<Outcome> => {
      const attempt = () => attemptJob(deps, endpoints, input, canceled, wasAway);
      const text = unsaved.text ?? (await slowJobs.timed(input.job_id, attempt));
      return text === undefined ? {} : { output: await save(deps, input, text, unsaved, canceled) };
    };
    return calls.join(callName(input), unsaved, (canceled) => journaled(input, () => make(canceled)));
  }

  /** An answer that was received is never asked for again, whatever becomes of this process or of a workflow task. */
  async function journaled(input: DispatchInput, call: () => Promise<Outcome>): Promise<Outcome> {
    const note = (outcome: CallOutcome) =>
      journal.note({ run_id: input.sources.run_id, name: callName(input), outcome });
    try {
      const outcome = await call();
      note(outcome);
      return outcome;
    } catch (error) {
      if (isFinal(error)) note({ failure: failureOf(error) });
      throw error;
    }
  }

  /** The calls that were made by a process that was lost before the run knew of them. `played`: and all that plays of the run made. */
  async function learn(runId: string, inputs: DispatchInput[], played = false): Promise<void> {
    const names = inputs.map(callName).filter((name) => !calls.has(name));
    if (names.length > 0 || played) calls.learn(await findOutcomes(deps.db, runId, names, played));
  }

  const awaited =
    (input: DispatchInput): IsAwaited =>
    () =>
      isAwaited(deps, input);

  return {
    async dispatchJob(input) {
      const context = Context.current();
      const { currentAttemptScheduledTimestampMs: asked, heartbeatDetails } = context.info;
      const wasAway = presence.watched(asked);
      dispatches.publish(input);
      if (!input.fresh || context.info.attempt > 1) await learn(input.sources.run_id, [input]);
      const call = join(input, wasAway, heartbeatDetails);
      const details = (): Heartbeat => ({ ...call.unsaved, queue: ownQueue });
      const heartbeat = setInterval(() => context.heartbeat(details()), HEARTBEAT_MS);
      return untilCancelled(context, call, awaited(input)).finally(() => clearInterval(heartbeat));
    },

    playAhead: playAhead({
      calls,
      join,
      presence,
      learn,
      awaited,
      slowJobs,
      journal,
      notices: deps.notifications,
      ownQueue,
    }),
  };
}

async function untilCancelled(context: ActivityContext, call: Call, awaited: IsAwaited): Promise<Outcome> {
  let isDecided = false;
  try {
    return await Promise.race([call.outcome, context.cancelled]);
  } catch (error) {
    if (!(error instanceof CancelledFailure)) throw error;
    const { cancelRequested = false, workerShutdown = false } = context.cancellationDetails ?? {};
    // The run, or this process, is done with the attempt. Anything else only says that the server lost track of it.
    isDecided = cancelRequested || workerShutdown;
    // A worker that shuts down is nobody's decision about the step: another one makes the attempt again.
    if (!workerShutdown) throw error;
    const details = [call.unsaved];
    throw ApplicationFailure.create({ type: "WorkerShutdown", message: "the worker was shut down", details });
  } finally {
    call.leave(isDecided ? async () => false : awaited);
  }
}

/** An answer is worth more than an outage: without Postgres it is kept and tried again until it is stored. */
async function save(
  deps: Deps,
  { sources, step_ref, job_run_id, attempt }: DispatchInput,
  text: string,
  unsaved: UnsavedOutput,
  canceled: AbortSignal,
): Promise<JsonDoc> {
  for (let pause = 100; ; pause = Math.min(pause * 2, LONGEST_PAUSE_MS)) {
    try {
      return await saveDocument(deps.db, sources.project_id, sources.run_id, text);
    } catch (error) {
      deps.log.warn(
        { err: error, run: sources.run_id, step: step_ref, job_run: job_run_id, attempt },
        "output not stored yet",
      );
      if (Buffer.byteLength(JSON.stringify(text)) <= MAX_UNSAVED_BYTES) unsaved.text = text;
    }
    await pauseFor(pause, undefined, { signal: canceled });
  }
}

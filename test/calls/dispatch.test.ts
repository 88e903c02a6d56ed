import { asyncLocalStorage, CancelledFailure, Context } from "@temporalio/activity";
import { ActivityCancellationDetails } from "@temporalio/common";
import pino from "pino";
import { MockAgent } from "undici";
import { beforeEach, describe, expect, test, vi } from "vitest";
import { CallsInFlight } from "../../activities/calls/calls-in-flight.ts";
import { dispatching } from "../../activities/calls/dispatch-job.ts";
import { Journal } from "../../activities/calls/journal.ts";
import { INLINE_LIMIT } from "../../src/contract/json.ts";
import type { Deps } from "../../src/deps.ts";
import type { CallOutcome, DispatchInput, Heartbeat } from "../../workflows/activity-types.ts";
import { AWAY_MS, HEARTBEAT_MS } from "../../workflows/timing.ts";
import { withFakeTime } from "./fake-time.ts";

withFakeTime();

type Dispatch = ReturnType<typeof dispatching>["dispatchJob"];

/** An answer that has come and is to be stored is a call that goes on, without an endpoint. */
const ANSWER = JSON.stringify("x".repeat(INLINE_LIMIT));

const JOB = {
  ...{
    id: "019571a0-0000-7000-8000-0000000000bb",
    project_id: "demo",
    enabled: true,
    max_attempts: 1,
    timeout_secs: 60,
  },
  ...{ endpoint_url: "http://jobs.test/", tags: "{}", payload_schema: null, result_schema: null, slow: false },
};

/** The calls that the endpoint saw. */
let called: number;
let store: { done: (id: string) => void; failed: (error: Error) => void }[];
let known: { name: string; outcome: CallOutcome }[];
let journaled: string[];
let isRunAtIt: boolean;
/** The activity in one process, and in another one. */
let dispatchJob: Dispatch;
let elsewhere: Dispatch;

beforeEach(() => {
  called = 0;
  store = [];
  known = [];
  journaled = [];
  isRunAtIt = true;
  const log = pino({ level: "silent" });
  const query = async (statement: string | { name: string; values: string[] }) => {
    if (typeof statement === "string")
      return new Promise((done, failed) => store.push({ done: (id) => done({ rows: [{ id }] }), failed }));
    if (statement.name === "insert_journal") journaled.push(statement.values[0] ?? "");
    if (statement.name === "find_job") return { rows: [JOB] };
    const rows = statement.name === "find_outcomes" ? known : [];
    return { rows: rows.map(({ name, outcome }) => ({ name, outcome: JSON.stringify(outcome) })) };
  };
  const run = { describe: async () => ({ status: { name: "RUNNING" } }), query: async () => isRunAtIt };
  const temporal = {
    withDeadline: (_: number, act: () => unknown) => act(),
    workflow: { getHandle: () => run },
  };
  const deps = { db: { query }, config: {}, log, temporal, notifications: { onCommand: () => {} } } as unknown as Deps;
  const agent = new MockAgent();
  agent.disableNetConnect();
  const answer = () => {
    called++;
    return ANSWER;
  };
  agent.get("http://jobs.test").intercept({ path: "/", method: "POST" }).reply(200, answer).persist();
  const endpoints = { agent: agent as never, assertAllowed: () => {} };
  const inProcess = (queue: string): Dispatch =>
    dispatching(deps, endpoints, queue, new CallsInFlight(async () => true), new Journal(deps)).dispatchJob;
  dispatchJob = inProcess("own");
  elsewhere = inProcess("other");
});

const INPUT: DispatchInput = {
  job_id: JOB.id,
  job_run_id: "job-run",
  attempt: 1,
  sources: { project_id: "demo", run_id: "run" },
  carried: { text: ANSWER },
};

/** The activity, as a worker runs it. */
function begins(dispatch = dispatchJob, input = INPUT, heartbeatDetails?: Heartbeat, attempt = 1, asked = Date.now()) {
  const heartbeats: Heartbeat[] = [];
  const holder: { details?: ActivityCancellationDetails } = {};
  let reject: (error: Error) => void = () => {};
  const cancelled = new Promise<never>((_, fail) => {
    reject = fail;
  });
  cancelled.catch(() => {});
  const context = new Context(
    { heartbeatDetails, attempt, currentAttemptScheduledTimestampMs: asked } as Context["info"],
    cancelled,
    new AbortController().signal,
    (details) => void heartbeats.push(details),
    ...([undefined, undefined, undefined, holder] as unknown as [undefined, never, never, never]),
  );
  const end = asyncLocalStorage.run(context, () => dispatch(input));
  end.catch(() => {});
  const cancel = (why: ConstructorParameters<typeof ActivityCancellationDetails>[0]) => {
    holder.details = new ActivityCancellationDetails(why);
    reject(new CancelledFailure("cancelled"));
  };
  return { end, heartbeats, cancel };
}

const soon = () => vi.advanceTimersByTimeAsync(0);

describe("an answer that was received", () => {
  test("is stored, and never asked for again: it is in the journal", async () => {
    const { end } = begins();
    await soon();
    store[0]?.done("document");
    expect(await end).toEqual({ output: { ref: "document" } });
    await soon();
    expect(JSON.parse(journaled[0] ?? "")).toMatchObject([
      { run_id: "run", name: "job-run/1", outcome: { output: { ref: "document" } } },
    ]);
  });

  test("goes with the heartbeats while it can't be stored, and the next worker takes it from there", async () => {
    const { heartbeats } = begins(dispatchJob, { ...INPUT, carried: undefined });
    await vi.waitFor(() => expect(store.length).toBe(1));
    store[0]?.failed(new Error("Postgres is away"));
    await vi.advanceTimersByTimeAsync(HEARTBEAT_MS);
    expect(heartbeats.at(-1)).toEqual({ text: ANSWER, queue: "own" });
    const { end } = begins(elsewhere, { ...INPUT, carried: undefined }, heartbeats.at(-1));
    await soon();
    store.at(-1)?.done("document");
    expect(await end).toEqual({ output: { ref: "document" } });
    expect(called).toBe(1);
  });

  test("by a process that is gone is taken from the journal", async () => {
    known = [{ name: "job-run/1", outcome: { output: { text: "7" } } }];
    expect(await begins().end).toEqual({ output: { text: "7" } });
    expect(store).toEqual([]);
  });

  test("is not looked for where nobody can have had one, until the activity is tried again", async () => {
    known = [{ name: "job-run/1", outcome: { output: { text: "7" } } }];
    const fresh = { ...INPUT, fresh: true };
    const { end } = begins(dispatchJob, fresh);
    await soon();
    store[0]?.done("document");
    expect(await end).toEqual({ output: { ref: "document" } });
    expect(await begins(elsewhere, fresh, undefined, 2).end).toEqual({ output: { text: "7" } });
  });
});

describe("a process that did not run for a while", () => {
  const uncarried = { ...INPUT, carried: undefined };
  const isFrozen = () => vi.setSystemTime(Date.now() + AWAY_MS + 1);

  test("makes no call that it was asked for before: the activity is tried again", async () => {
    const { end } = begins(dispatchJob, uncarried);
    isFrozen();
    await expect(end).rejects.toMatchObject({ name: "NotSent" });
    expect([called, journaled]).toEqual([0, []]);
    begins(dispatchJob, uncarried, undefined, 2);
    await vi.waitFor(() => expect(called).toBe(1));
  });

  test("makes none that it was asked for meanwhile, though it hears of it when it is back", async () => {
    const asked = Date.now() + 1;
    isFrozen();
    await expect(begins(dispatchJob, uncarried, undefined, 1, asked).end).rejects.toMatchObject({ name: "NotSent" });
    begins(dispatchJob, uncarried, undefined, 1, Date.now());
    await vi.waitFor(() => expect(called).toBe(1));
  });

  test("still takes the answer of a call that it had sent", async () => {
    const { end } = begins(dispatchJob, uncarried);
    await vi.waitFor(() => expect(store.length).toBe(1));
    isFrozen();
    store[0]?.done("document");
    expect(await end).toEqual({ output: { ref: "document" } });
  });
});

describe("an activity that is cancelled", () => {
  test("leaves its call to the next one where only the server lost track of it", async () => {
    const first = begins();
    await soon();
    first.cancel({ timedOut: true });
    await expect(first.end).rejects.toThrow(CancelledFailure);
    await vi.advanceTimersByTimeAsync(10_000);
    const second = begins();
    await soon();
    expect(store.length).toBe(1);
    store[0]?.done("document");
    expect(await second.end).toEqual({ output: { ref: "document" } });
  });

  test("ends its call where the run no longer is at the step, whatever the server says", async () => {
    const { cancel } = begins();
    await soon();
    isRunAtIt = false;
    cancel({ timedOut: true });
    await soon();
    begins();
    await soon();
    expect(store.length).toBe(2);
  });

  test("ends its call where the run has decided so", async () => {
    const { cancel, end } = begins();
    await soon();
    cancel({ cancelRequested: true });
    await expect(end).rejects.toThrow(CancelledFailure);
    begins();
    await soon();
    expect(store.length).toBe(2);
  });

  test("by its worker that stops is tried again elsewhere, with the answer if there is one", async () => {
    const { cancel, end } = begins();
    await soon();
    cancel({ workerShutdown: true });
    await expect(end).rejects.toMatchObject({
      type: "WorkerShutdown",
      nonRetryable: false,
      details: [{ text: ANSWER }],
    });
  });
});

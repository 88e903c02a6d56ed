import { ApplicationFailure } from "@temporalio/common";
import { beforeEach, describe, expect, test, vi } from "vitest";
import { type Call, CallsInFlight } from "../../activities/calls/calls-in-flight.ts";
import type { Outcome } from "../../activities/calls/outcome.ts";
import { HANDED_OVER_MS, OUTCOME_KEPT_MS } from "../../workflows/timing.ts";
import { withFakeTime } from "./fake-time.ts";

withFakeTime();

let isServerThere = true;
let calls: CallsInFlight;
let made: { end: (outcome: Outcome) => void; fail: (error: unknown) => void; canceled: AbortSignal }[];

beforeEach(() => {
  isServerThere = true;
  made = [];
  calls = new CallsInFlight(async () => isServerThere);
});

const join = (name = "a/1"): Call =>
  calls.join(name, {}, (canceled) => new Promise<Outcome>((end, fail) => void made.push({ end, fail, canceled })));
const never = async () => false;
const always = async () => true;
const answer = { output: { text: "1" } };

describe("a call is made once by a process", () => {
  test("however many wait for it, and each hears its outcome", async () => {
    const [first, second] = [join(), join()];
    made[0]?.end(answer);
    expect(await Promise.all([first.outcome, second.outcome])).toEqual([answer, answer]);
    expect(made.length).toBe(1);
  });

  test("also when everybody has left and somebody comes again", async () => {
    join().leave(always);
    await vi.advanceTimersByTimeAsync(60_000);
    expect(made[0]?.canceled.aborted).toBe(false);
    made[0]?.end(answer);
    expect(await join().outcome).toEqual(answer);
    expect(made.length).toBe(1);
  });

  test("for as long after its end as a workflow task may be made again", async () => {
    const call = join();
    await vi.advanceTimersByTimeAsync(OUTCOME_KEPT_MS - 1_000);
    made[0]?.end(answer);
    await call.outcome;
    call.leave(never);
    await vi.advanceTimersByTimeAsync(OUTCOME_KEPT_MS - 1);
    expect(await join().outcome).toEqual(answer);
    await vi.advanceTimersByTimeAsync(2 * OUTCOME_KEPT_MS);
    join();
    expect(made.length).toBe(2);
  });

  test("and no time counts in which the server is away", async () => {
    isServerThere = false;
    const call = join();
    made[0]?.end(answer);
    await call.outcome;
    await vi.advanceTimersByTimeAsync(10 * OUTCOME_KEPT_MS);
    expect(calls.has("a/1")).toBe(true);
    isServerThere = true;
    await vi.advanceTimersByTimeAsync(2 * OUTCOME_KEPT_MS);
    expect(calls.has("a/1")).toBe(false);
  });

  test("that knows what another one has made, its failure too", async () => {
    const failure = { message: "no", type: "client", details: [] };
    calls.learn(
      new Map<string, { output?: { text: string } } | { failure: typeof failure }>([
        ["a/1", answer],
        ["b/1", { failure }],
      ]),
    );
    expect(await join("a/1").outcome).toEqual(answer);
    await expect(join("b/1").outcome).rejects.toMatchObject({ message: "no", type: "client", nonRetryable: true });
    expect(made.length).toBe(0);
  });
});

test("what went wrong by no fault of the endpoint is tried again by whoever comes next", async () => {
  const call = join();
  made[0]?.fail(new Error("Postgres is away"));
  await expect(call.outcome).rejects.toThrow("Postgres is away");
  await vi.advanceTimersByTimeAsync(0);
  join();
  expect(made.length).toBe(2);
});

test("an endpoint's failure is an outcome like any other", async () => {
  const call = join();
  made[0]?.fail(ApplicationFailure.nonRetryable("no", "client"));
  await expect(call.outcome).rejects.toThrow("no");
  await expect(join().outcome).rejects.toThrow("no");
  expect(made.length).toBe(1);
});

describe("a call that nobody waits for", () => {
  test("ends once its run no longer awaits it", async () => {
    let isAwaited = true;
    join().leave(async () => isAwaited);
    await vi.advanceTimersByTimeAsync(10_000);
    expect(made[0]?.canceled.aborted).toBe(false);
    isAwaited = false;
    await vi.advanceTimersByTimeAsync(10_000);
    expect(made[0]?.canceled.aborted).toBe(true);
  });

  test("is not asked about while somebody is expected, nor ended if he comes", async () => {
    const isAwaited = vi.fn(never);
    join().leave(isAwaited, HANDED_OVER_MS);
    await vi.advanceTimersByTimeAsync(HANDED_OVER_MS - 1);
    expect(isAwaited).not.toHaveBeenCalled();
    join();
    await vi.advanceTimersByTimeAsync(60_000);
    expect(isAwaited).not.toHaveBeenCalled();
    expect(made[0]?.canceled.aborted).toBe(false);
  });

  test("and that was ended is made anew for whoever comes", async () => {
    join().leave(never);
    await vi.advanceTimersByTimeAsync(0);
    expect(made[0]?.canceled.aborted).toBe(true);
    join();
    expect(made.length).toBe(2);
  });

  test("holds up a process that stops, until somebody has come", async () => {
    let isOver = false;
    const call = join();
    call.leave(always, HANDED_OVER_MS);
    void calls.noneOrphaned(60_000).then(() => {
      isOver = true;
    });
    await vi.advanceTimersByTimeAsync(1_000);
    expect(isOver).toBe(false);
    join();
    await vi.advanceTimersByTimeAsync(1_000);
    expect(isOver).toBe(true);
  });
});

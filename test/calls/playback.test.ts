import { ApplicationFailure } from "@temporalio/common";
import { EventEmitter } from "node:events";
import { beforeEach, describe, expect, test, vi } from "vitest";
import { CallsInFlight } from "../../activities/calls/calls-in-flight.ts";
import { callName, type Outcome } from "../../activities/calls/outcome.ts";
import { playAhead } from "../../activities/calls/play-ahead.ts";
import type { JournalRow } from "../../src/store/call-journal.ts";
import type { DispatchInput, PlayInput } from "../../workflows/activity-types.ts";
import { attemptOf } from "../../workflows/attempt-input.ts";
import { excerptOf } from "../../workflows/engine/excerpt.ts";
import { workOf } from "../../workflows/engine/steps/work.ts";
import { AHEAD_MS, HANDED_OVER_MS, INTERRUPTED_MS, QUICK_ANSWER_MS } from "../../workflows/timing.ts";
import { given } from "../engine/given.ts";
import { job, type Step } from "../engine/plans.ts";
import { withFakeTime } from "./fake-time.ts";

withFakeTime();

const SLOW = "019571a0-0000-7000-8000-0000000000ff";
const TASK = { execution: "execution", length: 3, news: { signals: 0, others: 0 } };

let notices: EventEmitter;
let calls: CallsInFlight;
let learned: string[][];
let journal: JournalRow[];
let isAwaited: boolean;
/** The calls that were made, by step_ref. */
let made: Record<
  string,
  { end: (outcome: Outcome) => void; fail: (error: Error) => void; canceled: AbortSignal; journaled: number }
>;
let took: string[];
let play: ReturnType<typeof playAhead>;

beforeEach(() => {
  notices = new EventEmitter();
  calls = new CallsInFlight(async () => true);
  learned = [];
  journal = [];
  made = {};
  took = [];
  isAwaited = true;
  play = playAhead({
    calls,
    learn: async (_, inputs) => void learned.push(inputs.map(({ step_ref = "" }) => step_ref)),
    join: (input: DispatchInput) =>
      calls.join(
        callName(input),
        {},
        (canceled) =>
          new Promise((end, fail) => {
            made[input.step_ref ?? ""] = { end, fail, canceled, journaled: journal.length };
          }),
      ),
    presence: { watched: () => () => false },
    awaited: () => async () => isAwaited,
    slowJobs: { has: (id) => id === SLOW, took: (id) => void took.push(id) },
    journal: { note: (row) => void journal.push(row) },
    notices: { onCommand: (listener) => void notices.on("command", listener) },
    ownQueue: "own",
  });
});

const soon = () => vi.advanceTimersByTimeAsync(0);
const answer: Outcome = { output: { text: "1" } };

function playOf(steps: Step[], more: Partial<PlayInput> = {}) {
  const { run } = given(steps);
  const begin = [...steps.keys()].filter((i) => workOf(run, i).some(({ kind }) => kind === "dispatch"));
  const { id } = run.plan.run;
  const input = { ...excerptOf(run, begin), now: Date.now(), acknowledged: [], task: TASK, fresh: true, ...more };
  const command = (commandId: string) => void notices.emit("command", id, commandId);
  return { command, begins: () => play(input) };
}

describe("a play", () => {
  test("makes what follows from each end at once, and tells all of it in order", async () => {
    const played = playOf([job("a"), job("b", ["a"]), job("c", ["b"])]).begins();
    for (const ref of ["a", "b", "c"]) {
      await soon();
      made[ref]?.end(answer);
    }
    expect(await played).toMatchObject({
      events: [0, 1, 2].map((step) => ({ type: "attempt_completed", step, attempt: 1, ...answer })),
      interrupted: undefined,
      unended: [],
    });
  });

  test("has each end in the journal before anything follows from it", async () => {
    void playOf([job("a"), job("b", ["a"])]).begins();
    await soon();
    expect(journal).toMatchObject([{ name: "play/execution/3", played: { news: TASK.news } }]);
    made.a?.end(answer);
    await soon();
    expect(journal[1]).toMatchObject({ outcome: answer, task: 3, played: { step: 0, attempt: 1, follows: true } });
    expect(made.b?.journaled).toBe(2);
  });

  test("asks first what another process has called, unless nothing can have been", async () => {
    void playOf([job("a")]).begins();
    void playOf([job("b")], { fresh: false }).begins();
    await soon();
    expect(learned).toEqual([["b"]]);
  });

  test.each([
    { asked: "by a run that goes on", replayed: false, aheadOfRun: 1_000 },
    { asked: "while a run is made anew, long after it would have been", replayed: true, aheadOfRun: 20_000 },
  ])(
    "that is asked for $asked has times some $aheadOfRun ms after the run's clock",
    async ({ replayed, aheadOfRun }) => {
      const now = Date.now() - 20_000;
      const played = playOf([job("a")], { now, replayed }).begins();
      await soon();
      made.a?.end(answer);
      const [event] = (await played).events;
      // The two clocks of a process agree to some milliseconds.
      expect(Math.abs((event?.at ?? 0) - now - aheadOfRun)).toBeLessThan(100);
    },
  );

  test("ends after a while, and what goes on is left to be awaited here", async () => {
    const played = playOf([job("a"), job("b")]).begins();
    await vi.advanceTimersByTimeAsync(AHEAD_MS - 1);
    made.a?.end(answer);
    isAwaited = false;
    await vi.advanceTimersByTimeAsync(1);
    expect(await played).toMatchObject({ events: [{ step: 0 }], unended: [{ kind: "here", step: 1, queue: "own" }] });
    await vi.advanceTimersByTimeAsync(HANDED_OVER_MS - 1);
    expect(made.b?.canceled.aborted).toBe(false);
    await vi.advanceTimersByTimeAsync(1);
    expect(made.b?.canceled.aborted).toBe(true);
  });

  test("leaves to any worker what went wrong by no fault of the endpoint", async () => {
    const played = playOf([job("a")]).begins();
    await soon();
    made.a?.fail(new Error("Postgres is away"));
    expect(await played).toEqual({ events: [], interrupted: undefined, unended: [{ kind: "anywhere", step: 0 }] });
  });

  test("tells an endpoint's failure, and the journal keeps what it drew for the next attempt", async () => {
    const played = playOf([job("a")]).begins();
    await soon();
    made.a?.fail(ApplicationFailure.nonRetryable("no", "server"));
    const { events } = await played;
    expect(events).toMatchObject([{ type: "attempt_failed", class: "server", error: "no" }]);
    expect(journal[1]?.played).toMatchObject({ random: events[0]?.type === "attempt_failed" && events[0].random });
  });

  test("ends what its rules cancel", async () => {
    void playOf([job("a"), job("b")]).begins();
    await soon();
    made.a?.fail(ApplicationFailure.nonRetryable("no", "client"));
    await soon();
    expect(made.b?.canceled.aborted).toBe(true);
  });
});

describe("a call that takes long", () => {
  test("is not made where nothing quick is to be waited for", async () => {
    const { unended } = await playOf([job("a", [], { job_id: SLOW })]).begins();
    expect(unended).toEqual([{ kind: "slow-elsewhere", step: 0, queue: "own" }]);
    expect(made).toEqual({});
  });

  test("is made beside something quick, and not waited for", async () => {
    const played = playOf([job("slow", [], { job_id: SLOW }), job("quick")]).begins();
    await soon();
    made.quick?.end(answer);
    expect((await played).unended).toEqual([{ kind: "slow-here", step: 0, queue: "own" }]);
  });

  test("by now is noted as slow only where it took longer than a play", async () => {
    void playOf([job("a")]).begins();
    await vi.advanceTimersByTimeAsync(AHEAD_MS);
    expect(AHEAD_MS).toBeLessThan(QUICK_ANSWER_MS);
    expect(took).toEqual([]);
  });
});

describe("a command that waits", () => {
  test("lets nothing follow any more, and is not kept waiting", async () => {
    const { begins, command } = playOf([job("a"), job("b", ["a"]), job("c")]);
    const played = begins();
    await soon();
    command("pause");
    await soon();
    made.a?.end(answer);
    await vi.advanceTimersByTimeAsync(INTERRUPTED_MS);
    expect(await played).toMatchObject({
      events: [],
      interrupted: [{ step: 0 }],
      unended: [{ kind: "here", step: 2 }],
    });
    expect(Object.keys(made)).toEqual(["a", "c"]);
    expect(journal[1]?.played).toMatchObject({ step: 0, follows: false });
  });

  test("before the play lets nothing begin", async () => {
    const { begins, command } = playOf([job("a")]);
    command("pause");
    expect(await begins()).toEqual({ events: [], interrupted: [], unended: [{ kind: "deferred", step: 0 }] });
    expect(made).toEqual({});
  });

  test("before a play that a replay asks for keeps back nothing that a lost try has called", async () => {
    const steps = [job("a"), job("b")];
    const { run } = given(steps);
    calls.learn(new Map([[callName(attemptOf(run, 0).input), answer]]));
    const { begins, command } = playOf(steps, { fresh: false, replayed: true });
    command("pause");
    expect(await begins()).toMatchObject({
      ...{
        events: [],
        interrupted: [{ type: "attempt_completed", step: 0 }],
        unended: [{ kind: "deferred", step: 1 }],
      },
    });
    expect(made).toEqual({});
  });

  test("and that the run has heard interrupts nothing", async () => {
    const { begins, command } = playOf([job("a")], { acknowledged: ["pause"] });
    command("pause");
    const played = begins();
    await soon();
    made.a?.end(answer);
    expect(await played).toMatchObject({ events: [{ step: 0 }], interrupted: undefined });
  });
});

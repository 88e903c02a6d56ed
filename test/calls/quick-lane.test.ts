import { afterEach, describe, expect, test } from "vitest";
import type { Played, PlayInput } from "../../workflows/activity-types.ts";
import { approval, BEGIN, job, planWith, type Step } from "../engine/plans.ts";
import { type Commands, fromPayload, localEnd, payload, sandboxed, type Sandbox } from "../stack/sandbox.ts";
import { COMMAND_COMES_MS, HELD_MS } from "../../workflows/timing.ts";

let sandbox: Sandbox | undefined;
afterEach(() => sandbox?.destroy());

async function running(steps: Step[], historyLength?: number) {
  const plan = planWith(steps);
  sandbox = await sandboxed({ run: plan.run, steps: plan.steps }, BEGIN, { historyLength });
  return { ...sandbox, commands: await sandbox.begins() };
}

const signalWorkflow = (signalName: string, body: object) => ({
  signalWorkflow: { signalName, input: [payload(body)] },
});
const pause = signalWorkflow("pause", { id: "pause", actor: "ada" });
const query = (queryId: string) => ({ queryWorkflow: { queryId, queryType: "run", arguments: [] } });

/** What the workflow asks for: the activities by their type, the rest by its kind. */
const asked = (commands: Commands) =>
  commands.map(({ scheduleLocalActivity: local, scheduleActivity: ordinary, ...other }) => {
    if (local) return `local ${local.activityType}`;
    return ordinary
      ? `ordinary ${ordinary.activityType}`
      : Object.keys(other).filter((key) => key !== "userMetadata")[0];
  });
const localSeq = (commands: Commands) =>
  commands.find(({ scheduleLocalActivity }) => scheduleLocalActivity)?.scheduleLocalActivity?.seq as number;
const ended = (step: number, at: number) => ({
  ...{ type: "attempt_completed" as const, step, generation: 0, attempt: 1, at },
});

describe("a workflow task that a local activity holds", () => {
  test("holds a timer, which is taken back with its end: a replay takes no two tasks for one", async () => {
    const { activate, commands } = await running([job("a")]);
    expect(asked(commands)).toEqual(["local playAhead", "startTimer"]);
    const played: Played = { events: [ended(0, BEGIN + 5)], unended: [] };
    const mirrored = await activate(BEGIN + 10, localEnd(localSeq(commands), played));
    expect(asked(mirrored)).toContain("local mirror");
    const last = await activate(BEGIN + 20, localEnd(localSeq(mirrored), null));
    expect(asked(last)).toEqual(["cancelTimer", "completeWorkflowExecution"]);
  });

  test("answers no query that came with it, but one that came by itself", async () => {
    const { activate, commands } = await running([job("a"), approval("gate", ["a"])]);
    expect(await activate(BEGIN, query("with-the-task"))).toEqual([]);
    expect(asked(await activate(BEGIN, query("legacy")))).toEqual(["respondToQuery"]);
    const played: Played = { events: [ended(0, BEGIN + 5)], unended: [] };
    const mirrored = await activate(BEGIN + 10, localEnd(localSeq(commands), played));
    await activate(BEGIN + 20, localEnd(localSeq(mirrored), null));
    expect(asked(await activate(BEGIN + 20, query("later")))).toEqual(["respondToQuery"]);
  });

  test("asks what is known of the calls of a play that a replay asks for: another worker may have begun it", async () => {
    const { run, steps } = planWith([job("a")]);
    sandbox = await sandboxed({ run, steps }, BEGIN);
    const play = (commands: Commands) => fromPayload<PlayInput>(commands[0]?.scheduleLocalActivity?.arguments?.[0]);
    expect(play(await sandbox.replaying(sandbox.begins))).toMatchObject({ fresh: false, replayed: true });
    expect(play((await running([job("a")])).commands)).toMatchObject({ fresh: true, replayed: false });
  });

  test("is held no longer than that: what comes then is begun the ordinary way", async () => {
    const { activate, commands } = await running([job("a"), job("b", ["a"])]);
    const played: Played = { events: [ended(0, BEGIN + 5)], unended: [] };
    const next = await activate(BEGIN + HELD_MS, localEnd(localSeq(commands), played));
    expect(asked(next)).toContain("ordinary dispatchJob");
    expect(asked(next)).not.toContain("local playAhead");
  });

  test("and played on while there is time", async () => {
    const { activate, commands } = await running([job("a"), job("b", ["a"])]);
    const played: Played = { events: [ended(0, BEGIN + 5)], unended: [] };
    const next = await activate(BEGIN + HELD_MS - 1, localEnd(localSeq(commands), played));
    expect(asked(next)).toEqual(["local playAhead"]);
  });
});

test("a play that fails leaves its attempts to ordinary activities", async () => {
  const { activate, commands } = await running([job("a")]);
  const failure = { message: "hangs", applicationFailureInfo: { type: "Error" } };
  const next = await activate(BEGIN + 10, {
    resolveActivity: { seq: localSeq(commands), isLocal: true, result: { failed: { failure } } },
  });
  expect(asked(next)).toContain("ordinary dispatchJob");
});

test("what is being called goes on at the process that calls, and what is not, anywhere", async () => {
  const { activate, commands } = await running([job("a"), job("b")]);
  const unended: Played["unended"] = [
    { kind: "here", step: 0, queue: "own" },
    { kind: "anywhere", step: 1 },
  ];
  const next = await activate(BEGIN + 10, localEnd(localSeq(commands), { events: [], unended }));
  const queues = next.flatMap(({ scheduleActivity }) => (scheduleActivity ? [scheduleActivity.taskQueue] : []));
  expect(queues).toEqual(["own", "runs"]);
});

describe("a command that waits", () => {
  const play: Played = { events: [], interrupted: [ended(0, BEGIN + 5)], unended: [] };
  const steps = [job("a"), job("b", ["a"])];

  test("is waited for, without anything that would follow", async () => {
    const { activate, commands } = await running(steps);
    const next = await activate(BEGIN + 10, localEnd(localSeq(commands), play));
    expect(asked(next)).toEqual(["startTimer", "cancelTimer"]);
    expect(next[0]?.startTimer?.startToFireTimeout?.nanos).toBe(COMMAND_COMES_MS * 1_000_000);
  });

  test("is heard before anything follows", async () => {
    const { activate, commands, nextTask } = await running(steps);
    await activate(BEGIN + 10, localEnd(localSeq(commands), play));
    nextTask();
    const asks = await activate(BEGIN + 20, pause);
    expect(asked(asks)).toContain("local recall");
    const paused = await activate(BEGIN + 30, localEnd(localSeq(asks), []));
    expect(asked(paused)).toContain("local mirror");
    expect(asked(paused)).not.toContain("local playAhead");
    expect(asked(paused)).not.toContain("ordinary dispatchJob");
  });

  test("and does not come holds nobody up", async () => {
    const { activate, commands, nextTask } = await running(steps);
    const next = await activate(BEGIN + 10, localEnd(localSeq(commands), play));
    nextTask();
    const seq = next[0]?.startTimer?.seq as number;
    const asks = await activate(BEGIN + 10 + COMMAND_COMES_MS, { fireTimer: { seq } });
    expect(asked(asks)).toContain("local recall");
    const last = await activate(BEGIN + 20 + COMMAND_COMES_MS, localEnd(localSeq(asks), []));
    expect(asked(last)).toEqual(["local playAhead"]);
  });

  test("is waited for likewise where an older history says so", async () => {
    const { activate, commands } = await running(steps);
    const earlier = { events: [], called: [], going: [{ step: 0, later: true }] };
    const next = await activate(BEGIN + 10, localEnd(localSeq(commands), earlier));
    expect(asked(next)).toEqual(["startTimer", "cancelTimer"]);
  });
});

test("what was done in the task before is kept for one more: it may have been handed over to this one, and so be lost with it", async () => {
  const { activate, commands, nextTask } = await running([approval("gate")]);
  const recalls = async (at: number, id: string) => {
    nextTask();
    const asks = await activate(at, signalWorkflow("comment", { id, actor: "ada", step_ref: "gate", comment: id }));
    const mirrored = await activate(at + 10, localEnd(localSeq(asks), []));
    await activate(at + 20, localEnd(localSeq(mirrored), null));
    const [input] =
      asks.find(({ scheduleLocalActivity }) => scheduleLocalActivity)?.scheduleLocalActivity?.arguments ?? [];
    return fromPayload(input);
  };
  await activate(BEGIN + 10, localEnd(localSeq(commands), null));
  expect(await recalls(BEGIN + 100, "one")).toMatchObject({ after: 3, settled: 0 });
  expect(await recalls(BEGIN + 200, "two")).toMatchObject({ after: 7, settled: 3 });
});

test("a task that is not a run's first asks what a lost try of it has played, and repeats that before it calls anybody", async () => {
  const { activate, commands } = await running([job("a"), job("b", ["a"])], 9);
  expect(asked(commands)).toEqual(["local recall", "startTimer"]);
  const lost = [
    { began: BEGIN, news: { signals: 0, others: 0 } },
    { event: ended(0, BEGIN + 5), follows: true },
    { event: ended(1, BEGIN + 6), follows: true },
  ];
  const next = await activate(BEGIN + 10, localEnd(localSeq(commands), lost));
  expect(asked(next)).toContain("local mirror");
  expect(asked(next)).not.toContain("local playAhead");
});

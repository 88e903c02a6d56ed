import { afterAll, beforeEach, expect, test } from "vitest";
import type { WorkflowRun } from "../../src/contract/runs.ts";
import { type Stack, startStack } from "../stack/harness.ts";
import { scenarioOn } from "../stack/scenario.ts";
import { until } from "../stack/until.ts";

const stack: Stack = await startStack();
const on = scenarioOn(stack);
afterAll(() => stack.stop());

/** Closed, and of no worker's memory. */
let run: WorkflowRun;
beforeEach(async () => {
  stack.jobs.calls.length = 0;
  stack.jobs.on("/b", (_, nth) => ({ status: nth === 1 ? 422 : 200, body: { nth } }));
  run = await on.start([
    { step_ref: "a", calls: "/a" },
    { step_ref: "b", calls: "/b", depends_on: ["a"] },
    { step_ref: "c", calls: "/c", depends_on: ["b"] },
  ]);
  expect(await on.ends(run)).toMatchObject({ status: "failed" });
  await on.rests(run);
  await stack.stopWorker();
  await stack.startWorker();
});

const attempts = async () => Object.fromEntries((await on.steps(run)).map((step) => [step.step_ref, step.attempt]));
const callCounts = () => ["/a", "/b", "/c"].map((path) => stack.jobs.callsTo(path).length);

test("a step of a closed run is retried after a restart of the worker, twice in a row", async () => {
  for (const attempt of [2, 3]) {
    expect(await on.steer(run, "retry", "b")).toMatchObject({
      status: 200,
      body: { step_run: { step_ref: "b", attempt, status: expect.stringMatching(/pending|running/) } },
    });
    expect(await on.ends(run)).toMatchObject({ status: "completed" });
  }
  expect(await attempts()).toEqual({ a: 1, b: 3, c: 1 });
  // c had completed when b was retried again: it is not made again.
  expect(callCounts()).toEqual([1, 3, 1]);
});

test("a subtree of a closed run is replayed after a restart of the worker, twice in a row", async () => {
  for (const round of [1, 2]) {
    expect(await on.steer(run, "replay-subtree", "b"), `round ${round}`).toMatchObject({
      status: 200,
      body: { reset_steps: 2 },
    });
    expect(await on.ends(run)).toMatchObject({ status: "completed" });
  }
  expect(await attempts()).toEqual({ a: 1, b: 3, c: 2 });
  expect(callCounts()).toEqual([1, 3, 2]);
});

test.each(["retry", "replay-subtree"])("of three at once, one %s reopens the closed run", async (verb) => {
  const answer = stack.jobs.hold("/b");
  const told = await Promise.all([1, 2, 3].map(() => on.steer(run, verb, "b")));
  answer();

  expect(told.map(({ status }) => status).sort()).toEqual([200, 400, 400]);
  expect(await on.ends(run)).toMatchObject({ status: "completed" });
  expect(await attempts()).toEqual({ a: 1, b: 2, c: 1 });
  expect(callCounts()).toEqual([1, 2, 1]);
});

test("three different steps of a closed run are retried at once", async () => {
  const wide = await on.start(["x", "y", "z"].map((step_ref) => ({ step_ref, calls: `/${step_ref}` })));
  await on.ends(wide);
  const told = await Promise.all(["x", "y", "z"].map((ref) => on.steer(wide, "retry", ref)));

  expect(told.map(({ status }) => status)).toEqual([200, 200, 200]);
  expect(await on.ends(wide)).toMatchObject({ status: "completed" });
  expect((await on.steps(wide)).map(({ attempt }) => attempt)).toEqual([2, 2, 2]);
  expect(["/x", "/y", "/z"].map((path) => stack.jobs.callsTo(path).length)).toEqual([2, 2, 2]);
});

test("with wait_secs, a run that is being reopened is answered at its new end, not at the one it had", async () => {
  const ended = async (secs: number) => (await on.run({ id: `${run.id}?wait_secs=${secs}` })).status;
  await stack.withoutWorker(async () => {
    expect((await on.steer(run, "retry", "b")).status).toBe(202);
    const asked = Date.now();
    expect(await ended(2)).toBe("failed");
    expect(Date.now() - asked).toBeGreaterThanOrEqual(1_990);
  });
  await until(async () => (await ended(25)) === "completed");
});

import { afterAll, beforeAll, expect, test } from "vitest";
import { compareEndpointLog } from "../stack/endpoint-log.ts";
import { type Stack, startStack } from "../stack/harness.ts";
import { scenarioOn } from "../stack/scenario.ts";
import { until } from "../stack/until.ts";

let stack: Stack;
beforeAll(async () => {
  stack = await startStack();
});
afterAll(() => stack.stop());

/** More than are handed to a worker in one piece. Two chains, which wait for each other at times. */
const PAIRS = 250;
const EVERY = 40;

test("a run of hundreds of quick steps stops where it is paused, goes on from there, and calls each endpoint once", async () => {
  const on = scenarioOn(stack);
  stack.jobs.on("/quick", (call) => ({ body: { call: stack.jobs.calls.indexOf(call) } }));
  const pairs = Array.from({ length: PAIRS }, (_, i) => {
    const before = (chain: string) => `${chain}${i - 1}`;
    const needs = (chain: string) => (i === 0 ? [] : i % EVERY === 0 ? [before("a"), before("b")] : [before(chain)]);
    return ["a", "b"].map((chain) => ({ step_ref: `${chain}${i}`, calls: "/quick", depends_on: needs(chain) }));
  });
  const run = await on.start(pairs.flat());

  await until(() => stack.jobs.calls.length > 30);
  expect(await on.steer(run, "pause")).toMatchObject({ status: 200, body: { status: "paused" } });
  const open = await until(async () => {
    const steps = await on.steps(run);
    return !steps.some(({ status }) => status === "running") && steps;
  });
  const called = stack.jobs.calls.length;
  expect(open.filter(({ status }) => status === "completed")).toHaveLength(called);
  expect(called).toBeLessThan(2 * PAIRS);

  expect(await on.steer(run, "resume")).toMatchObject({ status: 200, body: { status: "running" } });
  expect(await on.ends(run)).toMatchObject({ status: "completed" });
  expect(stack.jobs.calls).toHaveLength(2 * PAIRS);
  expect(await compareEndpointLog(stack)).toEqual([]);
});

import { afterAll, beforeAll, expect, inject, test } from "vitest";
import { temporalBehind } from "../../stack/guarded-temporal.ts";
import { type Stack, startStack } from "../../stack/harness.ts";
import { gate, opens, runOf } from "../definitions.ts";

let stack: Stack;
let way: Awaited<ReturnType<typeof temporalBehind>>;
let polls = 0;
beforeAll(async () => {
  way = await temporalBehind(inject("servers").temporalAddress, ({ ":path": path = "" }) => {
    if (path.endsWith("/GetWorkflowExecutionHistory")) polls++;
    return true;
  });
  stack = await startStack({ servers: { temporalAddress: way.address } });
});
afterAll(async () => {
  await stack.stop();
  way.close();
});

test("a wait for the end of a run costs Temporal a request or two, also if the run does not end in time", async () => {
  const run = await runOf(stack, [gate("gate")]);
  await opens(stack, run, "gate");
  polls = 0;
  const began = performance.now();
  const { body } = await stack.request("GET", `/v1/workflow-runs/${run.id}?wait_secs=3`);
  expect(body).toMatchObject({ status: "running" });
  expect(performance.now() - began).toBeGreaterThanOrEqual(2_900);
  // One is enough. A clock that differs by a moment makes another one of the rest.
  expect(polls).toBeGreaterThan(0);
  expect(polls).toBeLessThan(10);
});

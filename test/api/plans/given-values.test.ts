import { v7 as uuid } from "uuid";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { DryRun } from "../../../src/contract/runs.ts";
import { gate, listed, ok, opens, runOf, wait } from "../definitions.ts";
import { planOn } from "./planned.ts";
import { type Stack, startStack } from "../../stack/harness.ts";
import { until } from "../../stack/until.ts";

let stack: Stack;
beforeAll(async () => {
  stack = await startStack();
});
afterAll(() => stack.stop());

const plan = planOn(() => stack);

test("a plan goes by the values that the act would bring: conditions ask for them", async () => {
  const key = `key ${uuid()}`;
  const over100 = (ref: string) => ({ condition: { type: "gt", left: { ref }, right: 100 } });
  const steps = [
    gate("gate"),
    gate("forced", { depends_on: ["gate"], ...over100("outputs.gate.sum") }),
    wait("wait", key),
    gate("sent", { depends_on: ["wait"], ...over100("outputs.wait.sum") }),
    gate("paid", { depends_on: ["gate", "wait"], ...over100("payload.sum") }),
  ];
  const run = await runOf(stack, steps, {}, { payload: { sum: 1 } });
  for (const ref of ["gate", "wait"]) await opens(stack, run, ref);
  const planned = async (path: string, body: object, ref: string) => {
    const { steps } = await plan<DryRun>("POST", path, body);
    return steps.find(({ step_ref }) => step_ref === ref)?.actions.join(" ");
  };
  const force = `workflow-runs/${run.id}/steps/gate/force-complete`;
  const send = `events/${encodeURIComponent(key)}/send`;
  for (const [sum, action] of [
    [200, "started"],
    [2, "ended"],
  ] as const) {
    expect(await planned(force, { result: { sum } }, "forced")).toBe(action);
    expect(await planned(send, { payload: { sum } }, "sent")).toBe(action);
  }
  // No plan looks into what is large.
  expect(await planned(force, { result: { sum: 2, more: "x".repeat(2_000) } }, "forced")).toBe("kept");

  await ok(stack, "POST", `/v1/${send}`, { payload: { sum: 2 } });
  await ok(stack, "POST", `/v1/${force}`, { result: { sum: 2 } });
  await until(async () => (await listed(stack, run))?.status === "completed");
  for (const verb of ["retry", "steps/paid/retry", "steps/paid/replay-subtree"]) {
    const path = `workflow-runs/${run.id}/${verb}`;
    expect(await planned(path, { payload: { sum: 200 } }, "paid")).toBe("reset started");
    expect(await planned(path, { payload: { sum: 2 } }, "paid")).toBe("reset ended");
    expect(await planned(path, {}, "paid")).toBe("reset ended");
  }
});

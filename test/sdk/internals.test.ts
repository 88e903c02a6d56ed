import { defaultPayloadConverter } from "@temporalio/common";
import { Worker } from "@temporalio/worker";
import { afterEach, describe, expect, test } from "vitest";
import { TaskWatch } from "../../src/runtime/task-watch.ts";
import { untimedWorker } from "../../src/runtime/unwatched-worker.ts";
import type { PlayInput } from "../../workflows/activity-types.ts";
import { approval, BEGIN, job, planWith, type Step } from "../engine/plans.ts";
import { payload, sandboxed } from "../stack/sandbox.ts";

// What docs/sdk-internals.md counts on: an upgrade of the SDK that changes it fails here.

let sandbox: Awaited<ReturnType<typeof sandboxed>> | undefined;
afterEach(async () => {
  await sandbox?.destroy();
  sandbox = undefined;
});

async function begun(steps: Step[], begin = BEGIN, options: Parameters<typeof sandboxed>[2] = {}) {
  const plan = planWith(steps);
  sandbox = await sandboxed({ run: plan.run, steps: plan.steps }, begin, options);
  return sandbox;
}

describe("a workflow that computes for longer than the SDK's watchdog allows", () => {
  const many = Array.from({ length: 3_000 }, (_, i) => job(`step-${i}`, i === 0 ? [] : [`step-${i - 1}`]));

  test("goes on in our worker, which has none", async () => {
    const { begins } = await begun(many, BEGIN, { worker: untimedWorker(new TaskWatch()), watchdogMs: 1 });
    expect((await begins()).length).toBeGreaterThan(0);
  });

  test("is ended by it in the SDK's own", async () => {
    const begins = async () => (await begun(many, BEGIN, { worker: Worker, watchdogMs: 1 })).begins();
    await expect(begins()).rejects.toThrow();
  });
});

test("the clock of an activation has the microseconds that Temporal has", async () => {
  const { begins } = await begun([job("a")], BEGIN + 1.234);
  const [first] = await begins();
  const { now } = defaultPayloadConverter.fromPayload<PlayInput>(first?.scheduleLocalActivity?.arguments?.[0] ?? {});
  expect(now).toBe(BEGIN + 1.234);
});

test("a run that is canceled with its parent ends as Canceled, which the SDK alone would call Failed", async () => {
  const { begins, activate } = await begun([approval("gate")]);
  const mirrored = (await begins()).find((command) => command.scheduleLocalActivity);
  const seq = mirrored?.scheduleLocalActivity?.seq as number;
  expect(mirrored?.scheduleLocalActivity?.activityType).toBe("mirror");
  const done = { resolveActivity: { seq, isLocal: true, result: { completed: { result: payload(null) } } } };
  await activate(BEGIN + 10, done);
  const signalWorkflow = { signalName: "parent-closed", input: [payload({ status: "canceled" })] };
  const [again] = (await activate(BEGIN + 20, { signalWorkflow })).filter((command) => command.scheduleLocalActivity);
  const written = { ...done.resolveActivity, seq: again?.scheduleLocalActivity?.seq as number };
  const last = await activate(BEGIN + 30, { resolveActivity: written });
  expect(last.at(-1)?.cancelWorkflowExecution).toBeDefined();
});

test("an error in the sandbox tells where in our code it was thrown", async () => {
  const { begins, activate } = await begun([job("a")]);
  await begins();
  const events = [{ type: "attempt_completed", step: 0, generation: 0, attempt: 7, at: BEGIN }];
  const result = { completed: { result: payload({ events, unended: [] }) } };
  const wrong = activate(BEGIN + 10, { resolveActivity: { seq: 1, isLocal: true, result } });
  const { message, stack } = (await wrong.catch((error) => error)) as Error;
  expect(message).toMatch(/has made an attempt that the run does not make/);
  expect(stack).toMatch(/ at .*assertDispatching.*reconciler\.ts:[\s\S]* at .*run\.ts:/);
});

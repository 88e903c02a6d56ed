import { afterAll, expect, test } from "vitest";
import { startStack } from "../stack/harness.ts";
import { scenarioOn } from "../stack/scenario.ts";
import { until } from "../stack/until.ts";

const TIMER_FIRED = 18; // temporal.api.enums.v1.EventType

const stack = await startStack();
const on = scenarioOn(stack);
afterAll(() => stack.stop());

/** Both its timers have fired, or the worker was still there for the first one. */
async function isMissed(run: { id: string }): Promise<boolean> {
  const handle = stack.deps.temporal.workflow.getHandle(run.id);
  const { events } = await handle.fetchHistory();
  const fired = events?.filter(({ eventType }) => eventType === TIMER_FIRED) ?? [];
  return fired.length === 2 || (await handle.describe()).status.name !== "RUNNING";
}

test("what was due first happens first, though a worker hears of all at once", async () => {
  const nap = (step_ref: string, sleep_duration_secs: number) => ({
    step_ref,
    step_type: "sleep",
    sleep_duration_secs,
  });
  const gate = (step_ref: string, approval_timeout_secs: number) => ({
    step_ref,
    step_type: "approval",
    approval_approvers: ["ada"],
    approval_timeout_secs,
  });
  const expired = await on.start([nap("nap", 9)], {}, { timeout_secs: 8 });
  const slept = await on.start([nap("nap", 8)], {}, { timeout_secs: 9 });
  const gates = await on.start([gate("later", 9), gate("sooner", 8)]);
  for (const run of [expired, slept, gates])
    await until(async () => (await on.steps(run)).every(({ status }) => status === "waiting"));

  // Nobody hears of the timers until all have fired: then a worker hears of them in one task.
  await stack.stopWorker();
  for (const run of [expired, slept, gates]) await until(() => isMissed(run));
  await stack.startWorker();

  expect(await on.ends(expired)).toMatchObject({ status: "timed_out" });
  expect(await on.step(expired, "nap")).toMatchObject({ status: "canceled" });
  expect(await on.ends(slept)).toMatchObject({ status: "completed" });
  expect(await on.ends(gates)).toMatchObject({ status: "failed" });
  expect(await on.step(gates, "sooner")).toMatchObject({ status: "failed", error: "approval timed out" });
  expect(await on.step(gates, "later")).toMatchObject({ status: "canceled" });
});

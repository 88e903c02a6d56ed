import { setTimeout as pauseFor } from "node:timers/promises";
import { expect } from "vitest";
import type { WorkflowRun } from "../../src/contract/runs.ts";
import type { Stack } from "./harness.ts";
import { activityOf, localActivityOf } from "./histories.ts";
import type { Scenario } from "./scenario.ts";
import { until } from "./until.ts";

/** By how long their endpoint takes, the steps of the chains below take one lane or the other. */
export const LANES = [
  { lane: "quick", answersAfterMs: 0 },
  { lane: "ordinary", answersAfterMs: 1_500 },
] as const;
type Lane = (typeof LANES)[number];

const CHAINS = 20;
const STEPS = ["a", "b", "c"];

/**
 * Runs in the middle of their calls, for something to happen to them. No two answers are the same, and every eighth is a
 * 503, which makes another attempt.
 */
export async function chainsUnderWay(
  { jobs }: Stack,
  on: Scenario,
  { lane, answersAfterMs }: Lane,
): Promise<WorkflowRun[]> {
  const path = `/${lane}`;
  jobs.on(path, async (call, nth) => {
    if (answersAfterMs > 0) await pauseFor(answersAfterMs);
    return { status: nth % 8 === 0 ? 503 : 200, body: { call: jobs.calls.indexOf(call) } };
  });
  const chain = await on.workflow(
    STEPS.map((step_ref, i) => ({
      step_ref,
      calls: path,
      depends_on: STEPS.slice(0, i).slice(-1),
      ...{ retry_max_attempts: 9, retry_backoff: "fixed", retry_initial_delay_secs: 1 },
    })),
  );
  const runs = await Promise.all(Array.from({ length: CHAINS }, () => on.trigger(chain)));
  await until(() => jobs.callsTo(path).length > CHAINS * 1.5);
  return runs;
}

/** Of the ordinary lane, each call was awaited by an ordinary activity. The quick one was tried: a busy machine finishes little in it. */
export async function expectLane({ lane }: Lane, { deps }: Stack, runs: WorkflowRun[]): Promise<void> {
  const histories = await Promise.all(runs.map(({ id }) => deps.temporal.workflow.getHandle(id).fetchHistory()));
  const events = histories.flatMap(({ events }) => events ?? []);
  const { length } = events.filter((event) => activityOf(event) === "dispatchJob");
  if (lane === "ordinary") expect(length).toBeGreaterThanOrEqual(CHAINS * STEPS.length);
  else expect(events.map(localActivityOf)).toContain("playAhead");
}

import { afterAll, beforeAll, test } from "vitest";
import { recordingOn } from "./recording.ts";
import { type Stack, startStack } from "../stack/harness.ts";
import { type Scenario, scenarioOn } from "../stack/scenario.ts";

let stack: Stack;
let on: Scenario;
beforeAll(async () => {
  stack = await startStack();
  on = scenarioOn(stack);
});
afterAll(() => stack.stop());

const { ends } = recordingOn(
  () => stack,
  () => on,
);

const after = (ms: number, status: number) =>
  new Promise<{ status: number }>((done) => setTimeout(done, ms, { status }));

test("calls that take longer than the quick lane waits, retried and timed out", async () => {
  stack.jobs.on("/slow", (_, nth) => after(600, nth === 1 ? 503 : 200));
  stack.jobs.on("/slowest", () => after(3_000, 200));
  const run = await on.start([
    { step_ref: "slow", calls: "/slow", retry_max_attempts: 2, retry_backoff: "fixed", retry_initial_delay_secs: 1 },
    { step_ref: "slowest", calls: "/slowest", timeout_secs_override: 1, retry_max_attempts: 1, on_failure: "continue" },
    { step_ref: "quick", calls: "/quick", depends_on: ["slow", "slowest"] },
  ]);
  await ends(run, "completed", "both-lanes");
});

test("slow steps, one after another, that go on for longer than half a minute", async () => {
  stack.jobs.on("/eight-seconds", () => after(8_000, 200));
  const refs = ["a", "b", "c", "d", "e", "f"];
  const run = await on.start(
    refs.map((step_ref, i) => ({ step_ref, calls: "/eight-seconds", depends_on: refs.slice(Math.max(i - 1, 0), i) })),
  );
  await ends(run, "completed", "slow-chain");
});

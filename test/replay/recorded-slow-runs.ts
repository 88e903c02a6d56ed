import { setTimeout as pauseFor } from "node:timers/promises";
import { test } from "vitest";
import { startRecording } from "./recording.ts";

const { stack, on, ends } = await startRecording();

const after = (ms: number, status: number) => pauseFor(ms, { status });

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

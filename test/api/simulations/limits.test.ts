import { setImmediate } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { WorkflowSimulation } from "../../../src/contract/simulation/simulations.ts";
import type { Job } from "../../../src/contract/jobs/jobs.ts";
import { createJob, createWorkflow, gate, wait, work } from "../definitions.ts";
import { refused } from "../shapes.ts";
import { type Stack, startStack } from "../../stack/harness.ts";

let stack: Stack;
let job: Job;
beforeAll(async () => {
  stack = await startStack({ worker: false });
  job = await createJob(stack);
});
afterAll(() => stack.stop());

const post = ({ id }: { id: string }, body?: unknown) =>
  stack.request<WorkflowSimulation>("POST", `/v1/workflows/${id}/simulate`, body);

describe("an outcome is refused", () => {
  const steps = () => [
    work("job", job),
    gate("gate"),
    wait("wait", "key", { event_timeout_secs: 0 }),
    { step_ref: "nap", step_type: "sleep", sleep_duration_secs: 1 },
  ];
  test.each<[object, string]>([
    [{ other: {} }, "outcomes.other: the run has no such step"],
    [{ job: { decision: "approve" } }, "outcomes.job.decision: not of job steps"],
    [{ gate: { output: 1 } }, "outcomes.gate.output: not of approval steps"],
    [{ nap: { duration_secs: 1 } }, "outcomes.nap.duration_secs: not of sleep steps"],
    [{ gate: { by: "eve" } }, "outcomes.gate.by: not one of the approvers"],
    [{ gate: { reason: "well done" } }, "outcomes.gate.reason: is of a rejection"],
    [{ gate: { times_out: true } }, "outcomes.gate.times_out: the step has no timeout"],
    [{ wait: { times_out: true } }, "outcomes.wait.times_out: the step has no timeout"],
    [{ wait: { times_out: true, event: 1 } }, "outcomes.wait.event: has no effect when it times out"],
    [{ wait: { failure: { error: "x" }, event: 1 } }, "outcomes.wait.event: has no effect with failure"],
    [{ wait: { failure: { attempts: 1 } } }, "outcomes.wait.failure.attempts: not of wait_for_event steps"],
    [{ job: { failure: { status_code: 404, class: "server" } } }, "outcomes.job.failure.class: 404 is client"],
    [
      { job: { failure: {}, output: 1 } },
      "outcomes.job.output: has no effect when every attempt fails: failure.attempts says how many do",
    ],
    [
      { job: { duration_ms: 1, duration_secs: 1 } },
      "outcomes.job.duration_secs: give duration_ms or duration_secs, not both",
    ],
    [{ job: { duration_ms: -1 } }, "outcomes.job.duration_ms: must be >= 0"],
    [{ job: { failure: { status_code: 200 } } }, "outcomes.job.failure.status_code: must be >= 300"],
    [{ job: { failure: { class: "odd" } } }, "outcomes.job.failure.class: must be one of"],
    [{ job: { nonsense: 1 } }, "outcomes.job.nonsense: unknown field"],
  ])("%j", async (outcomes, detail) => {
    const answer = refused(
      await post(await createWorkflow(stack, steps()), { outcomes }),
      400,
      "validation_error",
      /./,
    );
    expect(answer.details).toHaveLength(1);
    expect(answer.details?.[0]).toContain(detail);
  });
});

describe("what a simulation takes is limited", () => {
  test("to ten thousand attempts more than there are steps, and to the year 9999", async () => {
    const endless = work("a", job, { retry_max_attempts: 20_000 });
    const outcomes = { a: { failure: { class: "server" }, duration_secs: 1 } };
    const made = await createWorkflow(stack, [endless]);
    refused(
      await post(made, { outcomes }),
      400,
      "validation_error",
      "too large to be simulated: more than 10000 attempts of jobs fail",
    );
    const years = await createWorkflow(stack, [
      work("a", job, { retry_max_attempts: 20_000, timeout_secs_override: 40_000_000 }),
    ]);
    refused(
      await post(years, { outcomes: { a: { failure: {}, duration_secs: 31_000_000 } } }),
      400,
      "validation_error",
      "too large to be simulated: it does not end before the year 9999",
    );
  });

  test("and others are answered while a large one is played", async () => {
    const wide = Array.from({ length: 1_000 }, (_, i) =>
      work(`s${i}`, job, { depends_on: i < 500 ? [] : [`s${i - 500}`, `s${i - 499}`], retry_max_attempts: 9 }),
    );
    const failing = Object.fromEntries(
      wide.map(({ step_ref }) => [step_ref, { failure: { attempts: 8 }, duration_ms: 1 }]),
    );
    const made = await createWorkflow(stack, wide);
    let isOver = false;
    const simulation = post(made, { outcomes: failing }).finally(() => (isOver = true));
    let answered = 0;
    for (; !isOver; answered++) await stack.request("GET", "/health");
    expect((await simulation).body).toMatchObject({ status: "completed", step_count: 1_000 });
    expect(answered).toBeGreaterThan(10);
  });
});

/** For how long nothing else had its turn, at most, in ms. */
async function longestTurn(act: () => Promise<unknown>): Promise<number> {
  let isOver = false;
  const done = act().finally(() => {
    isOver = true;
  });
  let longest = 0;
  while (!isOver) {
    const began = performance.now();
    await setImmediate();
    longest = Math.max(longest, performance.now() - began);
  }
  await done;
  return longest;
}

test("a payload of many members holds the process no longer than to read and to write it", async () => {
  const made = await createWorkflow(stack, [work("a", job)]);
  const body = { payload: Object.fromEntries(Array.from({ length: 70_000 }, (_, i) => [`k${i}`, 1])) };
  const trigger = () => stack.request("POST", `/v1/workflows/${made.id}/trigger?dryRun=true`, body);
  const [simulations, plans]: [number[], number[]] = [[], []];
  for (let i = 0; i < 5; i++) {
    plans.push(await longestTurn(trigger));
    simulations.push(await longestTurn(() => post(made, body)));
  }
  expect(Math.min(...simulations) / Math.min(...plans)).toBeLessThan(1.4);
});

import { afterAll, beforeAll, expect, test } from "vitest";
import type { StepRun } from "../../src/contract/runs.ts";
import { type Stack, startStack } from "../stack/harness.ts";
import type { Call } from "../stack/job-endpoint.ts";
import { type Scenario, scenarioOn } from "../stack/scenario.ts";
import { until } from "../stack/until.ts";
import { startWorkerProcess } from "../stack/worker-process.ts";

const RUNS = 20;

let stack: Stack;
let on: Scenario;
beforeAll(async () => {
  stack = await startStack({ worker: false });
  on = scenarioOn(stack);
});
afterAll(() => stack.stop());

test("a kill -9 of the worker loses no run, and repeats no call whose answer was recorded", async () => {
  const { jobs } = stack;
  const answer = () => ({ body: { call: jobs.calls.length } });
  jobs.on("/short", answer);
  jobs.on("/long", (_, nth) => (nth === 1 ? new Promise(() => {}) : answer()));
  const first = await startWorkerProcess(stack);
  const long = await on.start([{ step_ref: "long", calls: "/long" }]);
  await until(() => jobs.callsTo("/long").length === 1);
  const short = await on.workflow([
    { step_ref: "a", calls: "/short" },
    { step_ref: "b", calls: "/short", depends_on: ["a"] },
    { step_ref: "c", calls: "/short", depends_on: ["b"] },
  ]);
  const runs = await Promise.all(Array.from({ length: RUNS }, () => on.trigger(short)));
  await until(() => jobs.callsTo("/short").length > RUNS * 1.5);
  await first.kill();
  const callsBefore = jobs.callsTo("/short").length;
  expect(callsBefore).toBeLessThan(RUNS * 3);

  const second = await startWorkerProcess(stack);
  const ended = await Promise.all([long, ...runs].map((run) => on.ends(run, 60_000)));
  expect(ended.map(({ status }) => status)).toEqual(ended.map(() => "completed"));
  const steps = (await Promise.all(runs.map(on.steps))).flat();
  const longSteps = await on.steps(long);
  await second.stop();

  const isFor = (step: StepRun) => (call: Call) => call.headers["x-run-id"] === step.job_run_id;
  const callsOf = (step: StepRun) => jobs.calls.filter(isFor(step));
  for (const step of [...steps, ...longSteps]) {
    // What a step keeps is the answer to the last call made for it: once an answer is recorded, no other call is made.
    expect(step.output).toEqual({ call: jobs.calls.findLastIndex(isFor(step)) + 1 });
    expect(callsOf(step).map(({ headers }) => headers["x-attempt"])).toEqual(callsOf(step).map(() => "1"));
    expect(step).toMatchObject({ status: "completed", attempt: 1 });
  }
  expect(jobs.calls).toHaveLength([...steps, ...longSteps].flatMap(callsOf).length);
  // The call in flight is made again, and says that it is the same one.
  expect(longSteps.map((step) => callsOf(step).length)).toEqual([2]);
}, 120_000);

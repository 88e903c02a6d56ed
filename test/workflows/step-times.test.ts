import { setTimeout as pauseFor } from "node:timers/promises";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type Stack, startStack } from "../stack/harness.ts";
import { type Scenario, scenarioOn } from "../stack/scenario.ts";

const TAKES_MS: Record<string, number> = { a: 150, b: 600, c: 100 };
const RUNS = 12;

let stack: Stack;
let on: Scenario;
beforeAll(async () => {
  stack = await startStack();
  on = scenarioOn(stack);
});
afterAll(() => stack.stop());

// Both lanes, and calls that go from one to the other: what was begun in one workflow task and ends in another.
test("a step has started before its endpoint is called, and finishes after that has answered", async () => {
  for (const [ref, ms] of Object.entries(TAKES_MS)) {
    stack.jobs.on(`/${ref}`, async () => {
      await pauseFor(ms);
      return {};
    });
  }
  const refs = Object.keys(TAKES_MS);
  const chain = await on.workflow(
    refs.map((step_ref, i) => ({ step_ref, calls: `/${step_ref}`, depends_on: refs.slice(0, i).slice(-1) })),
  );
  const runs = await Promise.all(Array.from({ length: RUNS }, () => on.trigger(chain)));
  for (const run of runs) {
    expect(await on.ends(run)).toMatchObject({ status: "completed" });
    for (const step of await on.steps(run)) {
      const [call] = stack.jobs.calls.filter(({ headers }) => headers["x-run-id"] === step.job_run_id);
      const [started, finished] = [step.started_at, step.finished_at].map((at) => Date.parse(at ?? ""));
      const about = `${step.step_ref}: ${started} ${call?.at} ${finished}`;
      expect(call?.at, about).toBeGreaterThanOrEqual((started ?? 0) - 5);
      expect((finished ?? 0) - (call?.at ?? 0), about).toBeGreaterThanOrEqual((TAKES_MS[step.step_ref] ?? 0) - 5);
    }
  }
});

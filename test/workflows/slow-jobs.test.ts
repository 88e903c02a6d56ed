import { setTimeout as pauseFor } from "node:timers/promises";
import { isDeepStrictEqual } from "node:util";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type Stack, startStack } from "../stack/harness.ts";
import { activityOf, localActivityOf } from "../stack/histories.ts";
import { type Scenario, scenarioOn } from "../stack/scenario.ts";
import { until } from "../stack/until.ts";

let stack: Stack;
let on: Scenario;
beforeAll(async () => {
  stack = await startStack();
  on = scenarioOn(stack);
});
afterAll(() => stack.stop());

/** In which lane a run that has ended made its attempts: those it began in the quick one, and the ordinary activities. */
async function lanesOf(run: { id: string }) {
  const { events } = await stack.deps.temporal.workflow.getHandle(run.id).fetchHistory();
  const types = (events ?? []).flatMap((event) => activityOf(event) ?? localActivityOf(event) ?? []);
  const count = (wanted: string) => types.filter((type) => type === wanted).length;
  return { quick: count("playAhead"), ordinary: count("dispatchJob") };
}
const FOUND_SLOW = { quick: 1, ordinary: 1 };
const KNOWN_SLOW = { quick: 0, ordinary: 1 };
const QUICK = { quick: 1, ordinary: 0 };

test("a run that begins knows the jobs whose last call took long, and those of its sub-workflows", async () => {
  let answersAfterMs = 600;
  stack.jobs.on("/report", async () => {
    await pauseFor(answersAfterMs);
    return { body: {} };
  });
  const report = await on.workflow([{ step_ref: "report", calls: "/report" }]);
  const child = await on.workflow([{ step_ref: "report", calls: "/report" }]);
  const parent = await on.workflow([
    { step_ref: "child", step_type: "sub_workflow", sub_workflow_id: child.id },
    { step_ref: "again", calls: "/report", depends_on: ["child"] },
  ]);
  const ended = async (workflow: { id: string }) => {
    const run = await on.trigger(workflow);
    expect(await on.ends(run)).toMatchObject({ status: "completed" });
    return run;
  };
  const lanes = async () => lanesOf(await ended(report));
  // What is known may be a second old.
  const become = (wanted: object) => until(async () => isDeepStrictEqual(await lanes(), wanted));

  expect(await lanes()).toEqual(FOUND_SLOW);
  await become(KNOWN_SLOW);
  expect(await lanes()).toEqual(KNOWN_SLOW);

  const run = await ended(parent);
  expect(await lanesOf(run)).toEqual(KNOWN_SLOW);
  expect(await Promise.all((await on.runsOf(child)).map(lanesOf))).toEqual([KNOWN_SLOW]);

  answersAfterMs = 0;
  await become(QUICK);
});

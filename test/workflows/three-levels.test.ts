import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { DryRun } from "../../src/contract/runs.ts";
import { type Stack, startStack } from "../stack/harness.ts";
import { type Scenario, scenarioOn } from "../stack/scenario.ts";
import { calling, GATE, SLEEPS } from "../stack/step-drafts.ts";
import { until } from "../stack/until.ts";

let stack: Stack;
let on: Scenario;
beforeAll(async () => {
  stack = await startStack();
  on = scenarioOn(stack);
});
afterAll(() => stack.stop());

describe("recovery across three levels", () => {
  let paths = 0;
  /** Each level has a step of its own that completes before it calls the next; the innermost fails until `mend`ed. */
  async function failedFamily(fields: object = {}) {
    const path = `/family-${++paths}`;
    let mended = false;
    stack.jobs.on(`${path}/inner`, () => (mended ? { body: { mended } } : { status: 422, body: "broken" }));
    const inner = await on.workflow([
      { step_ref: "fine", calls: `${path}/fine` },
      { step_ref: "work", calls: `${path}/inner`, depends_on: ["fine"] },
    ]);
    const middle = await on.workflow([
      { step_ref: "own", calls: `${path}/own` },
      calling(inner, { depends_on: ["own"], ...fields }),
    ]);
    const run = await on.start([calling(middle), { step_ref: "after", calls: `${path}/after`, depends_on: ["child"] }]);
    await on.ends(run);
    const [middleRun, innerRun] = [(await on.runsOf(middle))[0], (await on.runsOf(inner))[0]];
    if (!middleRun || !innerRun) throw new Error("no children");
    return {
      ...{ run, middleRun, innerRun },
      mend: () => {
        mended = true;
      },
      calls: () => ["fine", "own", "inner", "after"].map((name) => stack.jobs.callsTo(`${path}/${name}`).length),
      runs: async () => [(await on.runsOf(middle)).length, (await on.runsOf(inner)).length],
    };
  }

  test("retry of a step of the innermost opens its parents up the chain, which wait for it and go on", async () => {
    const family = await failedFamily();
    const dryRun = `/v1/workflow-runs/${family.innerRun.id}/steps/work/retry?dryRun=true`;
    const plan = (await stack.request<DryRun>("POST", dryRun)).body;
    const kept = { actions: ["kept"] };
    const again = { actions: ["reset", "started"] };
    expect(plan).toMatchObject({
      ...{ workflow_run_id: family.innerRun.id, steps: [kept, again] },
      parent: {
        ...{ workflow_run_id: family.middleRun.id, steps: [kept, again] },
        parent: { workflow_run_id: family.run.id, steps: [again, { actions: ["reset"] }] },
      },
    });
    expect((await on.run(family.run)).status).toBe("failed");
    family.mend();
    expect(await on.steer(family.innerRun, "retry", "work")).toMatchObject({ status: 200 });
    await on.becomes(family.run, "completed");
    for (const run of [family.middleRun, family.innerRun]) expect((await on.run(run)).status).toBe("completed");
    expect(family.calls()).toEqual([1, 1, 2, 1]);
    expect(await family.runs()).toEqual([1, 1]);
    expect((await on.step(family.run, "child")).output).toMatchObject({ child: { work: { mended: true } } });
  });

  test("retry of the outermost's step goes down to what failed, and runs only that again", async () => {
    const family = await failedFamily();
    expect(await on.steer(family.run, "retry", "child")).toMatchObject({ status: 200 });
    await until(async () => family.calls()[2] === 2);
    await on.becomes(family.run, "failed");
    family.mend();
    await on.steer(family.run, "retry", "child");
    await on.becomes(family.run, "completed");
    expect(family.calls()).toEqual([1, 1, 3, 1]);
    expect(await family.runs()).toEqual([1, 1]);
    expect((await on.step(family.innerRun, "work")).attempt).toBe(3);
  });

  test("the chain is opened up to its end also when the worker goes away meanwhile", async () => {
    const [up, down] = [await failedFamily(), await failedFamily()];
    for (const family of [up, down]) family.mend();
    await on.steer(up.innerRun, "retry", "work");
    await on.steer(down.run, "retry", "child");
    await stack.stopWorker();
    await stack.startWorker();
    for (const family of [up, down]) {
      await on.becomes(family.run, "completed");
      expect(await family.runs()).toEqual([1, 1]);
      const [fine, own, , after] = family.calls();
      expect([fine, own, after]).toEqual([1, 1, 1]);
    }
  });

  test("a sub-workflow that fails again fails its parents again, in its words", async () => {
    const family = await failedFamily();
    await on.steer(family.innerRun, "retry", "work");
    await until(async () => (await on.step(family.run, "child")).attempt === 2);
    expect(await on.becomes(family.run, "failed")).toMatchObject({ error: "endpoint returned 422: broken" });
    expect(family.calls()).toEqual([1, 1, 2, 0]);
  });

  test("a parent that went on without its sub-workflow takes it back, and runs nothing else again", async () => {
    const family = await failedFamily({ on_failure: "continue" });
    expect((await on.run(family.run)).status).toBe("completed");
    family.mend();
    await on.steer(family.innerRun, "retry", "work");
    await until(async () => (await on.step(family.run, "child")).attempt === 2);
    await on.becomes(family.run, "completed");
    expect(await on.step(family.middleRun, "child")).toMatchObject({ status: "completed", attempt: 2 });
    expect(family.calls()).toEqual([1, 1, 2, 1]);
  });

  test("what a cancellation stopped goes on where it stood", async () => {
    const child = await on.workflow([
      { step_ref: "first", calls: "/goes-on" },
      GATE,
      { ...SLEEPS, depends_on: ["gate"] },
    ]);
    const run = await on.start([calling(child)]);
    const childRun = await on.onlyRunOf(child, "gate");
    await on.cancel(run);
    await on.ends(childRun);
    await on.steer(run, "retry", "child");
    await on.opens(childRun, "gate");
    expect((await on.run(run)).status).toBe("running");
    await on.steer(childRun, "approve", "gate");
    await on.steer(childRun, "skip", "nap");
    await on.becomes(run, "completed");
    expect(stack.jobs.callsTo("/goes-on")).toHaveLength(1);
    expect(await on.runsOf(child)).toHaveLength(1);
  });
});

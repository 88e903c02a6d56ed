import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, expect, test } from "vitest";
import type { WorkflowRun } from "../../src/contract/runs.ts";
import { noteReopening } from "../../src/store/runs.ts";
import { letOldOnesGo, makeOld, oldOnes } from "./aged.ts";
import { startStack } from "../stack/harness.ts";
import { scenarioOn } from "../stack/scenario.ts";
import { calling, GATE } from "../stack/step-drafts.ts";
import { until } from "../stack/until.ts";

const stack = await startStack();
const on = scenarioOn(stack);
const { deps, request, jobs } = stack;
afterAll(() => stack.stop());

const LARGE = "x".repeat(5_000);

const isThere = async ({ id }: { id: string }) => (await request("GET", `/v1/workflow-runs/${id}`)).status === 200;
const retry = (run: { id: string }) => request<WorkflowRun>("POST", `/v1/workflow-runs/${run.id}/retry`, {});
const outputOf = async (run: { id: string }, ref: string) => (await on.step(run, ref)).output;
const documents = async () => (await deps.db.query("select run_id from documents")).rows.map(({ run_id }) => run_id);

/** Ended, and of no worker's memory. */
async function ended(run: WorkflowRun): Promise<WorkflowRun> {
  const last = await on.ends(run);
  await on.rests(run);
  return last;
}

/** As after the retention of Temporal's namespace. */
async function forgotten({ id: workflowId }: { id: string }): Promise<void> {
  const { workflowService, workflow } = deps.temporal;
  const namespace = stack.config.temporalNamespace;
  await workflowService.deleteWorkflowExecution({ namespace, workflowExecution: { workflowId } });
  const describe = () => workflow.getHandle(workflowId).describe();
  await until(() =>
    describe().then(
      () => false,
      () => true,
    ),
  );
}

test("a run that is open stays, however old, with its sub-workflow runs that have ended; they go together", async () => {
  const child = await on.workflow([{ step_ref: "inner", calls: "/inner" }]);
  const parent = await on.start([calling(child), { ...GATE, depends_on: ["child"] }]);
  await on.opens(parent, "gate");
  const [inner] = await on.runsOf(child);
  await ended(inner as WorkflowRun);
  await makeOld(deps, parent);

  expect(await letOldOnesGo(deps)).toEqual({ runs: 0, keys: 0 });
  await on.steer(parent, "approve", "gate");
  expect(await ended(parent)).toMatchObject({ status: "completed" });
  // It has ended just now, so only its sub-workflow run is old.
  expect(await letOldOnesGo(deps)).toEqual({ runs: 0, keys: 0 });
  await makeOld(deps, parent);
  expect(await letOldOnesGo(deps)).toEqual({ runs: 2, keys: 0 });
});

test("what an open retry reads stays; what it has kept is its own once the run that made it is gone", async () => {
  jobs.on("/kept", () => ({ body: { text: LARGE } }));
  const source = await on.start(
    [
      { step_ref: "kept", calls: "/kept" },
      { ...GATE, depends_on: ["kept"] },
    ],
    { payload: { text: LARGE } },
  );
  await on.opens(source, "gate");
  await on.cancel(source);
  await ended(source);
  const made = (await retry(source)).body;
  await on.opens(made, "gate");
  await makeOld(deps, source);

  expect(await letOldOnesGo(deps)).toEqual({ runs: 0, keys: 0 });
  await on.steer(made, "approve", "gate");
  await ended(made);
  expect(await letOldOnesGo(deps)).toEqual({ runs: 1, keys: 0 });
  expect(await isThere(source)).toBe(false);
  expect(await on.run(made)).toMatchObject({ retry_of_run_id: source.id, payload: { text: LARGE } });
  expect(await outputOf(made, "kept")).toEqual({ text: LARGE });
  expect(new Set(await documents())).toEqual(new Set([made.id]));
  // It can still be run again, from what it has kept.
  expect(await on.steer(made, "replay-subtree", "gate")).toMatchObject({ status: 200 });
  await on.opens(made, "gate");
  await on.steer(made, "approve", "gate");
  await ended(made);
  expect(jobs.callsTo("/kept")).toHaveLength(1);

  await makeOld(deps, made);
  expect(await letOldOnesGo(deps)).toEqual({ runs: 1, keys: 0 });
  expect(await documents()).toEqual([]);
});

test("a run that was asked to go on while no worker was there stays, and goes on", async () => {
  jobs.on("/late", (_, nth) => ({ status: nth === 1 ? 422 : 200 }));
  const run = await on.start([{ step_ref: "late", calls: "/late" }]);
  expect(await ended(run)).toMatchObject({ status: "failed" });
  await makeOld(deps, run);
  await stack.withoutWorker(async () => {
    expect(await on.steer(run, "retry", "late")).toMatchObject({ status: 202 });
    expect(await oldOnes(deps)).toEqual({ groups: [], keys: 0 });
    expect(await letOldOnesGo(deps)).toEqual({ runs: 0, keys: 0 });
    // As if no worker had come for months.
    await deps.db.query("update workflow_runs set reopened_at = finished_at + interval '1 second' where id = $1", [
      run.id,
    ]);
    expect(await oldOnes(deps)).toEqual({ groups: [], keys: 0 });
    expect(await letOldOnesGo(deps)).toEqual({ runs: 0, keys: 0 });
  });
  await on.becomes(run, "completed");
  await on.rests(run);
  // What was refused has not made it needed for ever.
  expect(await on.steer(run, "skip", "late")).toMatchObject({ status: 400 });
  await makeOld(deps, run);
  expect(await letOldOnesGo(deps)).toEqual({ runs: 1, keys: 0 });
});

test("of runs of which a step was retried, as many go as a dry run says", async () => {
  jobs.on("/twice", (_, nth) => ({ status: nth === 1 ? 422 : 200 }));
  const child = await on.workflow([{ step_ref: "twice", calls: "/twice" }]);
  const run = await on.start([calling(child)]);
  await ended(run);
  const [inner] = await on.runsOf(child);
  expect(await on.steer(inner as WorkflowRun, "retry", "twice")).toMatchObject({ status: 200 });
  await on.becomes(run, "completed");
  await on.rests(run);
  await makeOld(deps, run);

  expect(await oldOnes(deps)).toMatchObject({ groups: [{ status: "completed", runs: 1, below: 1 }] });
  expect(await letOldOnesGo(deps)).toEqual({ runs: 2, keys: 0 });
});

test("a run that is about to go on stays, though Temporal does not know of it yet", async () => {
  const run = await on.start([{ step_ref: "a", calls: "/about-to" }]);
  await ended(run);
  await makeOld(deps, run);
  // What a retry does before it tells Temporal.
  expect(await noteReopening(deps.db, run.id)).toBe(true);
  expect(await letOldOnesGo(deps)).toEqual({ runs: 0, keys: 0 });
  // The retry never came about.
  await makeOld(deps, run);
  expect(await letOldOnesGo(deps)).toEqual({ runs: 1, keys: 0 });
});

test.each(["retry the run", "retry its step"])(
  "to %s while old runs are deleted either works, with what was kept, or is a 404",
  async (what) => {
    const path = `/race-${what.length}`;
    let failing = true;
    jobs.on(`${path}-b`, () => ({ status: failing ? 422 : 200 }));
    const workflow = await on.workflow([
      { step_ref: "a", calls: `${path}-a` },
      { step_ref: "b", calls: `${path}-b`, depends_on: ["a"] },
    ]);
    const runs = await Promise.all(Array.from({ length: 24 }, () => on.trigger(workflow)));
    await Promise.all(runs.map(ended));
    failing = false;
    await makeOld(deps, ...runs);

    const begin = (run: WorkflowRun) => (what === "retry the run" ? retry(run) : on.steer<object>(run, "retry", "b"));
    const [early, late] = [runs.shift(), runs.pop()] as [WorkflowRun, WorkflowRun];
    const tried = [{ run: early, answer: await begin(early) }];
    const deleting = letOldOnesGo(deps);
    const inBetween = runs.map(async (run, nth) => {
      await sleep(nth * 5);
      tried.push({ run, answer: await begin(run) });
    });
    await Promise.all([deleting, ...inBetween]);

    for (const { run, answer } of tried) {
      const { status, body } = answer;
      if (status === 404) expect(await isThere(run)).toBe(false);
      else {
        expect([200, 201, 202]).toContain(status);
        const goesOn = what === "retry the run" ? (body as WorkflowRun) : run;
        await on.becomes(goesOn, "completed");
        expect(await on.statuses(goesOn)).toEqual({ a: "completed", b: "completed" });
      }
    }
    expect(tried[0]?.answer.status).toBeLessThan(300);
    expect((await begin(late)).status).toBe(404);
    // What was kept was not called again.
    expect(jobs.callsTo(`${path}-a`)).toHaveLength(24);
  },
);

test("a run that Temporal has no history of any more goes on from the mirror", async () => {
  jobs.on("/again", (_, nth) => ({ status: nth === 1 ? 422 : 200 }));
  const child = await on.workflow([{ step_ref: "again", calls: "/again" }]);
  const run = await on.start([{ step_ref: "first", calls: "/first" }, calling(child, { depends_on: ["first"] })]);
  expect(await ended(run)).toMatchObject({ status: "failed" });
  const inner = (await on.runsOf(child))[0] as WorkflowRun;
  await ended(inner);
  await Promise.all([run, inner].map(forgotten));

  // Both are opened by a command to the one below.
  expect(await on.steer(inner, "retry", "again")).toMatchObject({ status: 200 });
  expect(await on.becomes(run, "completed")).toMatchObject({ id: run.id });
  expect(await on.run(inner)).toMatchObject({ status: "completed" });
  expect(jobs.callsTo("/first")).toHaveLength(1);
  expect(jobs.callsTo("/again")).toHaveLength(2);
});

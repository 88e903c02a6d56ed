import { afterAll, beforeAll, expect, inject, test } from "vitest";
import { replayHistory } from "../../../src/cli/replay-history.ts";
import { type Stack, startStack } from "../../stack/harness.ts";
import { lossyTemporal } from "../../stack/lossy-temporal.ts";
import { startWorkerProcess } from "../../stack/processes.ts";
import { type Scenario, scenarioOn } from "../../stack/scenario.ts";
import { GATE } from "../../stack/step-drafts.ts";
import { until } from "../../stack/until.ts";

/** More than half of what Temporal gives a workflow task, and less than the SDK waits before it asks for more time. */
const LATE_MS = 6_000;

/** What Temporal gives a workflow task. */
const TASK_MS = 10_000;

let stack: Stack;
let way: Awaited<ReturnType<typeof lossyTemporal>>;
let on: Scenario;
let worker: Awaited<ReturnType<typeof startWorkerProcess>>;
/** When each workflow task came to the worker, of the runs that are looked at. */
const arrived = new Map<string, number[]>();
/** Until when a run's workflow tasks do not come to the worker. */
const held = new Map<string, Promise<void>>();

beforeAll(async () => {
  const isLost = () => false;
  stack = await startStack({ worker: false });
  on = scenarioOn(stack);
  way = await lossyTemporal(stack.config.temporalAddress, isLost, async (workflowId) => {
    await held.get(workflowId);
    const times = arrived.get(workflowId);
    if (times?.length === 0) await new Promise((resolve) => setTimeout(resolve, LATE_MS));
    times?.push(Date.now());
  });
  worker = await startWorkerProcess({ ...stack, config: { ...stack.config, temporalAddress: way.address } });
});
afterAll(async () => {
  await worker.stop();
  await stack.stop();
  way.close();
});

/** A transaction that holds its locks until it ends. */
async function begun(statement: string) {
  const client = await stack.deps.db.connect();
  await client.query("begin");
  await client.query(statement);
  return { ends: () => client.query("rollback").finally(() => client.release()) };
}

test("a worker that gets a run's next task while a local activity of the lost one goes on makes the run anew, and its history replays", async () => {
  const run = await on.start(["a", "b"].map((step_ref) => ({ ...GATE, step_ref })));
  for (const ref of ["a", "b"]) await on.opens(run, ref);
  const handle = stack.deps.temporal.workflow.getHandle(run.id);

  const journal = await begun("lock table call_journal in access exclusive mode");
  const row = await begun(`select from workflow_runs where id = '${run.id}' for no key update`);
  const sent = Date.now();
  arrived.set(run.id, []);
  const answers = [on.steer(run, "approve", "a")];
  await until(async () => (await handle.describe()).raw.pendingWorkflowTask?.startedTime);
  answers.push(on.steer(run, "approve", "b"));
  // What a lost try of the task has played can't be looked up until the task is almost over, and then what was heard can't be written.
  await until(() => Date.now() > sent + TASK_MS - 150);
  await journal.ends();
  await until(() => (arrived.get(run.id)?.length ?? 0) > 1);
  await row.ends();

  const statuses = (await Promise.all(answers)).map(({ status }) => status);
  for (const status of statuses) expect([200, 202]).toContain(status);
  expect(await on.ends(run)).toMatchObject({ status: "completed" });
  expect(await replayHistory({ codePath: inject("bundlePath") }, await handle.fetchHistory())).toBeUndefined();
});

test("a task that comes late, and is not lost, goes on", async () => {
  const run = await on.start([GATE]);
  await on.opens(run, GATE.step_ref);
  arrived.set(run.id, []);
  expect([200, 202]).toContain((await on.steer(run, "approve", GATE.step_ref)).status);
  expect(await on.ends(run)).toMatchObject({ status: "completed" });
  const { events } = await stack.deps.temporal.workflow.getHandle(run.id).fetchHistory();
  const lost = (events ?? []).filter(
    (event) => event.workflowTaskFailedEventAttributes ?? event.workflowTaskTimedOutEventAttributes,
  );
  expect(lost).toEqual([]);
});

test("a run that goes on after its cancel, since a retry made Temporal refuse its end, can be canceled again", async () => {
  const run = await on.start([GATE]);
  await on.opens(run, "gate");
  await on.rests(run);
  const handle = stack.deps.temporal.workflow.getHandle(run.id);
  let release = () => {};
  held.set(run.id, new Promise((resolve) => (release = resolve)));
  const canceled = stack.request("DELETE", `/v1/workflow-runs/${run.id}`);
  await until(async () => (await handle.describe()).raw.pendingWorkflowTask?.startedTime);
  await handle.signal("retry", { step_ref: "gate", actor: "ada", may_override: true });
  release();
  expect([200, 202]).toContain((await canceled).status);
  await until(async () => (await on.step(run, "gate")).attempt === 2);
  await on.opens(run, "gate");
  expect(await on.cancel(run)).toMatchObject({ status: "canceled" });
  const { events } = await handle.fetchHistory();
  expect(await replayHistory({ codePath: inject("bundlePath") }, { events })).toBeUndefined();
});

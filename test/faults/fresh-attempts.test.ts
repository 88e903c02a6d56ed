import { setTimeout as pauseFor } from "node:timers/promises";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { WorkflowRun } from "../../src/contract/runs.ts";
import type { DispatchInput } from "../../workflows/activity-types.ts";
import { insertJournal } from "../../src/store/call-journal.ts";
import { createJob, createWorkflow, getStep, reaches, trigger, work } from "../api/definitions.ts";
import { type Stack, startStack } from "../stack/harness.ts";
import { startWorkerProcess } from "../stack/processes.ts";
import { until } from "../stack/until.ts";

let stack: Stack;
beforeAll(async () => {
  stack = await startStack();
});
afterAll(() => stack.stop());

const SLOW_MS = 400;

async function slowJob(path: string) {
  stack.jobs.on(path, async () => {
    await pauseFor(SLOW_MS);
    return { body: {} };
  });
  const job = await createJob(stack, path);
  await reaches(stack, await trigger(stack, await createWorkflow(stack, [work("a", job)])), "completed");
  const isKnown = () => stack.deps.db.query("select from jobs where id = $1 and slow", [job.id]);
  await until(async () => (await isKnown()).rowCount === 1);
  return job;
}

async function historyOf({ id }: WorkflowRun) {
  const { events } = await stack.deps.temporal.workflow.getHandle(id).fetchHistory();
  return events ?? [];
}

/** What the activities that made a run's attempts were told. */
async function dispatched(run: WorkflowRun): Promise<DispatchInput[]> {
  return (await historyOf(run)).flatMap(({ activityTaskScheduledEventAttributes: scheduled }) => {
    if (scheduled?.activityType?.name !== "dispatchJob") return [];
    return JSON.parse(Buffer.from(scheduled.input?.payloads?.[0]?.data ?? []).toString()) as DispatchInput;
  });
}

test("a run whose jobs are all known as slow plays nothing ahead: nobody can have made its attempts. Reset, it asks for each", async () => {
  const job = await slowJob("/slow");
  const workflow = await createWorkflow(stack, [work("a", job), work("b", job, { depends_on: ["a"] })]);
  const run = await trigger(stack, workflow);
  await reaches(stack, run, "completed");
  expect((await dispatched(run)).map(({ fresh }) => fresh)).toEqual([true, true]);
  const calls = stack.jobs.callsTo("/slow").length;

  const { workflowService, options } = stack.deps.temporal;
  const firstTask = (await historyOf(run)).find((event) => event.workflowTaskCompletedEventAttributes);
  await workflowService.resetWorkflowExecution({
    namespace: options.namespace,
    workflowExecution: { workflowId: run.id },
    reason: "by hand",
    requestId: run.id,
    workflowTaskFinishEventId: firstTask?.eventId,
  });
  await stack.deps.temporal.workflow.getHandle(run.id).result();
  expect((await dispatched(run)).map(({ fresh }) => fresh)).toEqual([undefined, undefined]);
  expect(stack.jobs.callsTo("/slow").length).toBe(calls);
});

test("what a process had received when it was killed is not asked for again", async ({ onTestFinished }) => {
  const { id } = await slowJob("/held");
  stack.jobs.hold("/held");
  await stack.withoutWorker(async () => {
    const first = await startWorkerProcess(stack);
    const run = await trigger(stack, await createWorkflow(stack, [{ step_ref: "a", job_id: id }]));
    await until(() => stack.jobs.callsTo("/held").length === 2);
    const { job_run_id = "" } = await getStep(stack, run, "a");
    // As if its answer had come in the moment of its end.
    const name = `${job_run_id}/1`;
    await insertJournal(stack.deps.db, [{ run_id: run.id, name, outcome: { output: { text: "7" } } }]);
    await first.kill();
    const second = await startWorkerProcess(stack);
    onTestFinished(() => second.stop());
    await reaches(stack, run, "completed");
    expect(await getStep(stack, run, "a")).toMatchObject({ output: 7, attempt: 1 });
    expect(stack.jobs.callsTo("/held").length).toBe(2);
  });
});

test("a run with a quick job may have played ahead", async () => {
  const [slow, quick] = [await slowJob("/slow-too"), await createJob(stack, "/quick")];
  const run = await trigger(
    stack,
    await createWorkflow(stack, [work("a", quick), work("b", slow, { depends_on: ["a"] })]),
  );
  await reaches(stack, run, "completed");
  expect((await dispatched(run)).map(({ fresh }) => fresh)).toEqual([undefined]);
});

import { afterAll, beforeAll, expect, test } from "vitest";
import { v7 as uuid } from "uuid";
import type { Triggered, TriggeredBulk } from "../../../src/contract/jobs/trigger.ts";
import type { WorkflowRun } from "../../../src/contract/runs.ts";
import { createJob, createWorkflow, gate, getRun, ok, opens, runOf } from "../definitions.ts";
import { type Stack, startStack } from "../../stack/harness.ts";

let stack: Stack;
beforeAll(async () => {
  stack = await startStack();
});
afterAll(() => stack.stop());

/** Ten of one request at once, under one key. */
const atOnce = <Body>(method: string, path: string, body?: object) => {
  const options = { headers: { "idempotency-key": uuid() } };
  return Promise.all(Array.from({ length: 10 }, () => stack.request<Body>(method, path, body, options)));
};
const hits = (all: object[]) => all.map((one) => "idempotency_hit" in one && one.idempotency_hit);

test("a trigger tells each of them of the one run, as it is stored", async () => {
  for (const max_concurrent_runs of [0, 1]) {
    const workflow = await createWorkflow(stack, [gate("gate")], { max_concurrent_runs });
    const answers = await atOnce<WorkflowRun>("POST", `/v1/workflows/${workflow.id}/trigger`, { payload: 1 });
    const run = await getRun(stack, (answers[0] as (typeof answers)[0]).body);
    for (const { status, body } of answers)
      expect([status, body.id, body.created_at]).toEqual([202, run.id, run.created_at]);
  }
});

test("a trigger of a job, also within one bulk, is a hit for all but one", async () => {
  const path = `/v1/jobs/${(await createJob(stack)).id}/trigger`;
  const answers = await atOnce<Triggered>("POST", path, { payload: 1 });
  expect(new Set(answers.map(({ body }) => body.id)).size).toBe(1);
  expect(hits(answers.map(({ body }) => body)).filter((hit) => hit === false)).toHaveLength(1);
  const items = Array.from({ length: 8 }, () => ({ payload: 1, idempotency_key: "one" }));
  const { results } = await ok<TriggeredBulk>(stack, "POST", `${path}/bulk`, { items });
  expect(hits(results).filter((hit) => hit === false)).toHaveLength(1);
});

test("a cancel of a run that somebody else has canceled is refused each time", async () => {
  for (let tries = 0; tries < 5; tries++) {
    const run = await runOf(stack, [gate("gate")]);
    await opens(stack, run, "gate");
    const path = `/v1/workflow-runs/${run.id}`;
    await ok(stack, "DELETE", path, undefined, { headers: { "idempotency-key": "another" } });
    for (const { status } of await atOnce("DELETE", path)) expect(status).toBe(400);
    const body = { workflow_run_ids: [run.id] };
    for (const answer of await atOnce("POST", "/v1/workflow-runs/bulk-cancel", body))
      expect(answer.body).toMatchObject({ canceled: 0, failed: 1 });
  }
});

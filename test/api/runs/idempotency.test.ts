import { v7 as uuid } from "uuid";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { WorkflowRun } from "../../../src/contract/runs.ts";
import type { Workflow } from "../../../src/contract/workflows.ts";
import { createWorkflow, gate, getStep, ok, opens } from "../definitions.ts";
import { answered, refused, run as runShape } from "../shapes.ts";
import { taggedWorkflow, triggerOn } from "./triggered.ts";
import { type Stack, startStack } from "../../stack/harness.ts";

let stack: Stack;
let workflow: Workflow;
beforeAll(async () => {
  stack = await startStack();
  workflow = await taggedWorkflow(stack);
});
afterAll(() => stack.stop());

const trigger = triggerOn(() => stack);

describe("an idempotency key", () => {
  const key = (value: string, header = "Idempotency-Key") => ({ headers: { [header]: value } });

  test("makes the same request the same run: in either header or the body, ten times at once", async () => {
    const shared = uuid();
    const answers = await Promise.all(
      Array.from({ length: 10 }, (_, i) => {
        if (i % 3 === 0) return trigger(workflow.id, { payload: 1, idempotency_key: shared });
        return trigger(workflow.id, { payload: 1 }, key(shared, i % 3 === 1 ? "Idempotency-Key" : "X-Idempotency-Key"));
      }),
    );
    for (const answer of answers) answered(answer, 202, runShape);
    expect(new Set(answers.map(({ body }) => body.id)).size).toBe(1);
  });

  test("answers the run as it is by then", async () => {
    const shared = uuid();
    const { body: run } = await trigger(workflow.id, {}, key(shared));
    await stack.request("DELETE", `/v1/workflow-runs/${run.id}`);
    const again = answered(await trigger(workflow.id, {}, key(shared)), 202, runShape);
    expect(again).toMatchObject({ id: run.id, status: "canceled", created_at: run.created_at });
  });

  test("with another body is a conflict; for another workflow or project it is another key", async () => {
    const shared = uuid();
    const { body: first } = await trigger(workflow.id, { payload: 1 }, key(shared));
    const other = await trigger(workflow.id, { payload: 2 }, key(shared));
    refused(other, 409, "conflict", "idempotency key was used with another body");
    const second = await createWorkflow(stack, [gate("a")]);
    expect((await trigger(second.id, { payload: 1 }, key(shared))).body.id).not.toBe(first.id);
  });

  test("is not taken by a request that was refused", async () => {
    const shared = uuid();
    expect((await trigger(workflow.id, { step_overrides: { nope: true } }, key(shared))).status).toBe(400);
    answered(await trigger(workflow.id, {}, key(shared)), 202, runShape);
  });

  test("is answered whatever the request would be by now", async () => {
    const shared = uuid();
    const { id } = await createWorkflow(stack, [gate("a")]);
    const body = { tags: { team: "a" } };
    const { body: run } = await trigger(id, body, key(shared));
    const tags = Object.fromEntries(Array.from({ length: 20 }, (_, i) => [`tag-${i}`, "x"]));
    await ok(stack, "PATCH", `/v1/workflows/${id}`, { tags });
    expect((await trigger(id, body)).status).toBe(400);
    expect(answered(await trigger(id, body, key(shared)), 202, runShape).id).toBe(run.id);
  });

  test("is not taken by a retry that was refused", async () => {
    const { body: source } = await trigger(workflow.id);
    const retry = (body: object) =>
      stack.request<WorkflowRun>("POST", `/v1/workflow-runs/${source.id}/retry`, body, key("refused"));
    refused(await retry({}), 400, "invalid_state", "can only retry a workflow run in terminal state");
    await stack.request("DELETE", `/v1/workflow-runs/${source.id}`);
    answered(await retry({ version: "latest" }), 201, runShape);
  });

  test("makes the same retry the same run", async () => {
    const { body: source } = await trigger(workflow.id);
    await stack.request("DELETE", `/v1/workflow-runs/${source.id}`);
    const retry = (value?: string) =>
      stack.request<WorkflowRun>("POST", `/v1/workflow-runs/${source.id}/retry`, {}, value ? key(value) : {});
    const [one, two] = [await retry("r-1"), await retry("r-1")];
    answered(one, 201, runShape);
    expect(answered(two, 201, runShape).id).toBe(one.body.id);
    expect((await retry("r-2")).body.id).not.toBe(one.body.id);
  });

  test("makes a repeated command one command, answered twice", async () => {
    const { body: run } = await trigger(workflow.id);
    await opens(stack, run, "a");
    const send = (verb: string) =>
      stack.request("POST", `/v1/workflow-runs/${run.id}/steps/a/${verb}`, {}, key(`command-${run.id}`));
    const once = await send("approve");
    expect([once.status, (await send("approve")).status]).toEqual([200, 200]);
    refused(await send("skip"), 409, "conflict", "idempotency key was used for another command");
    const retries = [await retryStep(run), await retryStep(run)];
    expect(retries.map(({ status }) => status)).toEqual([200, 200]);
    expect((await getStep(stack, run, "a")).attempt).toBe(2);
  });
  const retryStep = (run: WorkflowRun) =>
    stack.request("POST", `/v1/workflow-runs/${run.id}/steps/a/retry`, {}, key(`retry-${run.id}`));

  test("that no header can sensibly hold is refused", async () => {
    for (const value of ["", "k".repeat(256)])
      refused(await trigger(workflow.id, {}, key(value)), 400, "validation_error", "invalid Idempotency-Key");
    const inBody = await trigger(workflow.id, { idempotency_key: "k".repeat(256) });
    refused(inBody, 400, "validation_error", "validation failed");
  });
});

import { afterAll, beforeAll, expect, test } from "vitest";
import { ApiError, type Client, connect } from "../../client/index.ts";
import { type Stack, startStack } from "../stack/harness.ts";

let stack: Stack;
let client: Client;
beforeAll(async () => {
  stack = await startStack();
  client = connect(stack.apiUrl, stack.token());
});
afterAll(() => stack.stop());

test("it makes, reads page by page, and deletes", async () => {
  const body = { name: "Charge", endpoint_url: stack.jobs.url("/charge") };
  for (const slug of ["a", "b", "c"]) await client.createJob({ body: { ...body, slug } });
  const slugs: string[] = [];
  for await (const job of client.listJobs.items({ query: { limit: 2 } })) slugs.push(job.slug);
  expect(slugs).toEqual(["c", "b", "a"]);

  const [job] = (await client.listJobs({ query: { limit: 1 } })).data;
  const path = { jobID: job?.id ?? "" };
  expect(await client.deleteJob({ path })).toBeUndefined();
  const error = await client.getJob({ path }).catch((refusal: unknown) => refusal);
  expect(error).toBeInstanceOf(ApiError);
  expect(error).toMatchObject({ status: 404, message: "getJob: 404 job not found", body: { code: "not_found" } });
});

test("it steers a run", async () => {
  const steps = [{ step_ref: "a:b.c", step_type: "approval", approval_approvers: ["ada"] }];
  const { id: workflowID } = await client.createWorkflow({ body: { name: "Order", slug: "order", steps } });
  const run = await client.triggerWorkflow({ path: { workflowID }, body: { payload: { order: 7 } } });
  const approved = await client.approveWorkflowRunStep({ path: { workflowRunID: run.id, stepRef: "a:b.c" } });
  expect(approved).toMatchObject({ step_run: { step_ref: "a:b.c", status: "completed" } });
  const ended = await client.getWorkflowRun({ path: { workflowRunID: run.id }, query: { wait_secs: 20 } });
  expect(ended.status).toBe("completed");
});

import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { job, workflowWithSteps } from "./definition-shapes.ts";
import { ok } from "./definitions.ts";
import { answered, refused } from "./shapes.ts";
import { type Stack, startStack } from "../stack/harness.ts";

let stack: Stack;
beforeAll(async () => {
  stack = await startStack({ worker: false });
});
afterAll(() => stack.stop());

let slugs = 0;
const draftOf = {
  jobs: () => ({ name: "x", slug: `job-${++slugs}`, endpoint_url: stack.jobs.url("/x") }),
  workflows: () => {
    const steps = [{ step_ref: "a", step_type: "sleep", sleep_duration_secs: 1 }];
    return { name: "x", slug: `workflow-${++slugs}`, steps };
  },
};
const shapeOf = { jobs: job, workflows: workflowWithSteps };

describe.each(["jobs", "workflows"] as const)("POST /v1/%s under an Idempotency-Key", (kind) => {
  const create = (body: object, key: string) =>
    stack.request("POST", `/v1/${kind}`, body, { headers: { "idempotency-key": key } });

  test("makes one thing, and answers it again", async () => {
    const draft = draftOf[kind]();
    const first = answered(await create(draft, `again ${kind}`), 201, shapeOf[kind]);
    const again = await create(draft, `again ${kind}`);
    expect(answered(again, 201, shapeOf[kind])).toEqual(first);
    expect(again.headers.get("location")).toBe(`/v1/${kind}/${first.id}`);
    expect((await stack.request("GET", `/v1/${kind}/${first.id}`)).body).toEqual(first);
  });

  test("makes one thing of ten requests at once", async () => {
    const draft = draftOf[kind]();
    const answers = await Promise.all(Array.from({ length: 10 }, () => create(draft, `at once ${kind}`)));
    const ids = answers.map((answer) => answered(answer, 201, shapeOf[kind]).id);
    expect(new Set(ids).size).toBe(1);
  });

  test("refuses another body, and without the key the same slug", async () => {
    const draft = draftOf[kind]();
    answered(await create(draft, `other ${kind}`), 201, shapeOf[kind]);
    const other = await create({ ...draft, name: "y" }, `other ${kind}`);
    refused(other, 409, "conflict", "idempotency key was used with another body");
    refused(await stack.request("POST", `/v1/${kind}`, draft), 409, "conflict", /already exists/);
    refused(await create(draft, `yet another ${kind}`), 409, "conflict", /already exists/);
  });
});

describe.each(["jobs", "workflows"] as const)("POST /v1/%s/{id}/clone under an Idempotency-Key", (kind) => {
  test("is the same clone, whatever was cloned has become", async () => {
    const made = answered(await stack.request("POST", `/v1/${kind}`, draftOf[kind]()), 201, shapeOf[kind]);
    const clone = (slug: string) =>
      stack.request("POST", `/v1/${kind}/${made.id}/clone`, { slug }, { headers: { "idempotency-key": "clone" } });
    const answer = await clone("cloned");
    const first = answered(answer, 201, shapeOf[kind]);
    expect(answer.headers.get("location")).toBe(`/v1/${kind}/${first.id}`);
    await ok(stack, "PATCH", `/v1/${kind}/${made.id}`, { name: "another" });
    expect(answered(await clone("cloned"), 201, shapeOf[kind])).toEqual(first);
    refused(await clone("another"), 409, "conflict", "idempotency key was used with another body");
  });
});

test("jobs that are made together under an Idempotency-Key are the same jobs", async () => {
  const body = { jobs: [draftOf.jobs(), draftOf.jobs()] };
  const make = () => ok(stack, "POST", "/v1/jobs/batch", body, { headers: { "idempotency-key": "batch" } });
  const first = await make();
  expect(first).toMatchObject({ created: 2, failed: 0 });
  expect(await make()).toEqual(first);
});

test("what was made is answered though it could not be made now", async () => {
  const job = draftOf.jobs();
  const { id: jobId } = answered(await stack.request("POST", "/v1/jobs", job), 201, shapeOf.jobs);
  const calling = { name: "x", slug: "calls-a-job", steps: [{ step_ref: "a", job: job.slug }] };
  const keyed = { headers: { "idempotency-key": "by then" } };
  const create = () => stack.request("POST", "/v1/workflows", calling, keyed);
  const first = answered(await create(), 201, shapeOf.workflows);
  const filter = { workflow_id: first.id };
  const cancelAll = () => ok(stack, "POST", "/v1/bulk-operations", { operation: "cancel", filter }, keyed);
  const operation = await cancelAll();

  await ok(stack, "PATCH", `/v1/workflows/${first.id}`, { steps: draftOf.workflows().steps });
  expect((await stack.request("DELETE", `/v1/jobs/${jobId}`)).status).toBe(204);
  const another = await stack.request("POST", "/v1/workflows", { ...calling, slug: "calls-none" });
  refused(another, 400, "validation_error", /job/);
  expect(answered(await create(), 201, shapeOf.workflows).id).toBe(first.id);

  expect((await stack.request("DELETE", `/v1/workflows/${first.id}`)).status).toBe(204);
  expect(await cancelAll()).toMatchObject({ id: (operation as { id: string }).id });
});

describe.each(["jobs", "workflows", "webhooks"] as const)(
  "POST /v1/%s under the key of one that is deleted",
  (kind) => {
    test("is not found, and makes no other", async () => {
      const draft = kind === "webhooks" ? { events: ["*"], url: stack.jobs.url("/x") } : draftOf[kind]();
      const create = () =>
        stack.request<{ id: string }>("POST", `/v1/${kind}`, draft, { headers: { "idempotency-key": "gone" } });
      const { id } = (await create()).body;
      expect((await stack.request("DELETE", `/v1/${kind}/${id}`)).status).toBe(204);
      const what = `${kind.slice(0, -1)} not found: what this idempotency key stands for is deleted`;
      for (let twice = 0; twice < 2; twice++) refused(await create(), 404, "not_found", what);
      expect((await stack.request("GET", `/v1/${kind}/${id}`)).status).toBe(404);
    });
  },
);

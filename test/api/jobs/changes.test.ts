import { v7 as uuid } from "uuid";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createJob } from "../definitions.ts";
import { job as jobShape } from "../definition-shapes.ts";
import { answered, refused } from "../shapes.ts";
import { jobsOn } from "./changed.ts";
import type { Job } from "../../../src/contract/jobs/jobs.ts";
import { type Stack, startStack } from "../../stack/harness.ts";

let stack: Stack;
beforeAll(async () => {
  stack = await startStack();
});
afterAll(() => stack.stop());

const { change, changed, post, get } = jobsOn(() => stack);
const versions = (job: { id: string }, query = "") =>
  stack.request<Job[]>("GET", `/v1/jobs/${job.id}/versions${query}`);

describe("PATCH", () => {
  test("changes what it names, makes a version of it, and leaves the rest as it was", async () => {
    const job = await createJob(stack, "/a", {
      description: "first",
      tags: { team: "a" },
      headers: { "X-Tenant": "a" },
    });
    const body = {
      name: "renamed",
      endpoint_url: stack.jobs.url("/b"),
      max_attempts: 7,
      retry_strategy: "custom",
      retry_delays_secs: [1, 5],
      run_ttl_secs: 60,
      payload_schema: { type: "object" },
      result_schema: { type: "object", properties: { "\u0000": { const: 12345678901234567890n } } },
    };
    const next = await changed(job, body);
    expect(next).toEqual({ ...job, ...body, version: 2, version_id: next.version_id, updated_at: next.updated_at });
    expect(next.version_id).not.toBe(job.version_id);
    expect(next.updated_at >= job.updated_at).toBe(true);
    expect(await get(job)).toEqual(next);
  });

  test("with nothing in it is a version, too; an empty value takes away what may be absent", async () => {
    const job = await createJob(stack, "/a", {
      description: "x",
      tags: { a: "b" },
      headers: { a: "b" },
      run_ttl_secs: 5,
    });
    const empty = await changed(job, { description: "", tags: {}, headers: {}, run_ttl_secs: 0, name: null });
    const { description, tags, headers, run_ttl_secs, ...rest } = job;
    expect(empty).toEqual({ ...rest, version: 2, version_id: empty.version_id, updated_at: empty.updated_at });
    expect(await changed(job, {})).toMatchObject({ version: 3 });
    expect(answered(await stack.request("PATCH", `/v1/jobs/${job.id}`), 200, jobShape)).toMatchObject({ version: 4 });
  });

  test("of several at once are versions one after the other, and none is lost", async () => {
    const job = await createJob(stack);
    const names = ["description", "name"].flatMap((field) => [1, 2, 3].map((n) => ({ [field]: `${field} ${n}` })));
    await Promise.all(names.map((body) => changed(job, body)));
    const told = answered(await versions(job), 200, jobShape.array());
    expect(told.map(({ version }) => version)).toEqual([7, 6, 5, 4, 3, 2, 1]);
    expect(told[0]).toEqual(await get(job));
    expect(told[0]).toMatchObject({
      name: expect.stringMatching(/^name/),
      description: expect.stringMatching(/^desc/),
    });
  });

  test("says who made it, in the project of the job", async () => {
    const job = await createJob(stack);
    const token = stack.token({ sub: "bob", projects: ["demo", "other"] });
    const body = (project_id: string) => stack.request("PATCH", `/v1/jobs/${job.id}`, { project_id }, { token });
    expect(answered(await body("demo"), 200, jobShape)).toMatchObject({ created_by: "ada", updated_by: "bob" });
    refused(await body("other"), 400, "validation_error", "a job stays in its project");
    refused(await body("foreign"), 403, "forbidden", "project_id is not one of your projects");
  });

  test.each([
    [{ max_attempts: 0 }, "max_attempts must be >= 1"],
    [{ name: "" }, "validation failed"],
    [{ endpoint_url: "nonsense" }, "invalid endpoint_url: uRL must be an http or https URL"],
    [{ retry_delays_secs: [1] }, "retry_delays_secs needs retry_strategy custom"],
    [{ retry_strategy: "fixed", retry_delays_secs: [1] }, "retry_delays_secs needs retry_strategy custom"],
    [{ retry_strategy: "custom" }, "retry_strategy custom needs retry_delays_secs"],
    [
      { payload_schema: { type: "text" } },
      'invalid payload_schema: type must be equal to one of the allowed values: "array", "boolean", "integer", "null", "number", ' +
        '"object", "string"',
    ],
    [
      { result_schema: { $ref: "http://x.test/" } },
      "invalid result_schema: can't resolve reference http://x.test/ from id #",
    ],
    [{ headers: { Host: "x" } }, "validation failed"],
    [{ headers: { a: "1", A: "2" } }, "headers must not repeat a name"],
    [{ cron: "@daily" }, "cron is not supported yet"],
    [{ nope: 1 }, "invalid request body"],
  ])("refuses %.70j, and stores nothing", async (body, message) => {
    const job = await createJob(stack);
    for (const query of ["", "?dryRun=true"]) refused(await change(job, body, query), 400, "validation_error", message);
    expect(await get(job)).toEqual(job);
  });

  test("to a slug that is taken is a conflict", async () => {
    const [one, other] = [await createJob(stack), await createJob(stack)];
    for (const query of ["", "?dryRun=true"])
      refused(await change(one, { slug: other.slug }, query), 409, "conflict", /^job with slug ".*" already exists/);
    expect(await changed(one, { slug: one.slug })).toMatchObject({ version: 2 });
  });

  test("dryRun answers what would be stored, and stores nothing", async () => {
    const job = await createJob(stack);
    const answer = await change(job, { name: "other", backwards_compatible: true }, "?dryRun=true");
    expect(answer).toMatchObject({ status: 200, body: { dry_run: true, job: { name: "other", version: 2 } } });
    expect(answer.headers.get("x-ignored-fields")).toBe("backwards_compatible");
    expect(await get(job)).toEqual(job);
  });
});

describe("versions", () => {
  test("are what the job was each time, in pages", async () => {
    const job = await createJob(stack);
    const all = [job, await changed(job, { name: "two" }), await changed(job, { name: "three" })].reverse();
    expect(answered(await versions(job), 200, jobShape.array())).toEqual(all);
    const first = await versions(job, "?limit=2");
    expect(first.body).toEqual(all.slice(0, 2));
    const rest = await versions(job, `?limit=2&cursor=${first.headers.get("x-next-cursor")}`);
    expect([rest.body, rest.headers.get("x-has-more")]).toEqual([all.slice(2), "false"]);
    refused(await versions({ id: uuid() }), 404, "not_found", "job not found");
  });
});

describe("a clone", () => {
  test("is a job of its own that is like the other", async () => {
    const job = await createJob(stack, "/a", { max_attempts: 4, tags: { team: "a" } });
    await changed(job, { description: "second" });
    const clone = answered(await post(`${job.id}/clone`), 201, jobShape);
    const { id, version, version_id, created_at, updated_at, name, slug, ...rest } = await get(job);
    expect(clone).toMatchObject({ ...rest, name: `${name} (copy)`, slug: `${slug}-copy`, version: 1 });
    expect(clone.id).not.toBe(id);
    refused(
      await post(`${job.id}/clone`),
      409,
      "conflict",
      `job with slug "${slug}-copy" already exists: job slug conflict`,
    );
    const named = answered(await post(`${job.id}/clone`, { name: "n", slug: uuid() }), 201, jobShape);
    expect(named).toMatchObject({ name: "n" });
    refused(await post(`${job.id}/clone`, { project_id: "other" }), 403, "forbidden", /project_id/);
  });

  test("of a job with the longest names has ones that fit", async () => {
    const job = await createJob(stack, "/a", { name: "n".repeat(255), slug: "s".repeat(128) });
    const clone = answered(await post(`${job.id}/clone`), 201, jobShape);
    expect([clone.name.length, clone.slug.length, clone.slug.slice(-6)]).toEqual([255, 128, "s-copy"]);
  });
});

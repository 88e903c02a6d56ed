import { v7 as uuid } from "uuid";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createApp } from "../../../src/http/app.ts";
import { serve } from "../../../src/runtime/http-server.ts";
import { createJob, getStep, reaches, runOf, work } from "../definitions.ts";
import { job as jobShape } from "../definition-shapes.ts";
import { answered, jobRun as jobRunShape, refused } from "../shapes.ts";
import { type Stack, startStack } from "../../stack/harness.ts";
import { until } from "../../stack/until.ts";

let stack: Stack;
beforeAll(async () => {
  stack = await startStack();
});
afterAll(() => stack.stop());

const URL_RULE = { name: "j", endpoint_url: "http://localhost/x" };
const create = (body: unknown, token?: string) => stack.request("POST", "/v1/jobs", body, { token });

describe("creating a job", () => {
  test("answers it whole, and reads back the same", async () => {
    const body = {
      project_id: "demo",
      name: "Build",
      slug: "build",
      description: "builds",
      tags: { team: "a" },
      endpoint_url: "https://example.com/build?x=1",
      fallback_endpoint_url: "https://example.org/build",
      max_attempts: 5,
      timeout_secs: 60,
      retry_strategy: "exponential",
      version_policy: "pin",
      execution_mode: "http",
    };
    const created = answered(await create(body), 201, jobShape);
    expect(created).toMatchObject({ ...body, enabled: true, version: 1, created_by: "ada", updated_by: "ada" });
    expect(answered(await stack.request("GET", `/v1/jobs/${created.id}`), 200, jobShape)).toEqual(created);
    const list = answered(await stack.request("GET", "/v1/jobs"), 200, jobShape.array());
    expect(list[0]).toEqual(created);
  });

  test("fills in the defaults and leaves out what is empty", async () => {
    const created = answered(await create({ ...URL_RULE, slug: uuid() }), 201, jobShape);
    const { id, slug, version_id, created_at, updated_at, ...rest } = created;
    expect(rest).toEqual({
      ...URL_RULE,
      project_id: "demo",
      max_attempts: 3,
      timeout_secs: 300,
      enabled: true,
      version: 1,
      version_policy: "pin",
      execution_mode: "http",
      created_by: "ada",
      updated_by: "ada",
    });
  });

  test("needs a name, a slug and an endpoint", async () => {
    const { details } = refused(await create({}), 400, "validation_error", "validation failed");
    expect(details).toEqual(["name: required", "slug: required", "endpoint_url: required"]);
    refused(await create(""), 400, "validation_error", "invalid request body");
  });

  test("under a taken slug is a conflict", async () => {
    await create({ ...URL_RULE, slug: "taken" });
    const again = await create({ ...URL_RULE, slug: "taken" });
    refused(again, 409, "conflict", 'job with slug "taken" already exists: job slug conflict');
  });

  test("into a project of somebody else is forbidden, whether it exists or not", async () => {
    for (const project_id of ["other", "no-such-project"]) {
      const answer = await create({ ...URL_RULE, slug: uuid(), project_id });
      refused(answer, 403, "forbidden", "project_id is not one of your projects");
    }
    const several = stack.token({ projects: ["demo", "other"] });
    refused(await create({ ...URL_RULE, slug: uuid() }, several), 400, "validation_error", "project_id is required");
  });

  test.each([
    [{ name: "n".repeat(256) }, "validation failed"],
    [{ slug: "s".repeat(129) }, "validation failed"],
    [{ endpoint_url: `https://example.com/${"x".repeat(2048)}` }, "validation failed"],
    [{ max_attempts: 0 }, "max_attempts must be >= 1"],
    [{ timeout_secs: 0 }, "timeout_secs must be >= 1"],
    [{ retry_strategy: "hope" }, "validation failed"],
    [{ retry_delays_secs: [0] }, "validation failed"],
    [{ execution_mode: "managed" }, "validation failed"],
    [{ cron: "x" }, "invalid cron expression"],
    [{ cron: "@daily", timezone: "Mars/Olympus" }, "invalid timezone"],
    [{ endpoint_url: "nonsense" }, "invalid endpoint_url: uRL must be an http or https URL"],
    [{ endpoint_url: "ftp://example.com" }, "invalid endpoint_url: uRL must be an http or https URL"],
    [{ endpoint_url: "http://a:b@example.com" }, "invalid endpoint_url: uRL must not contain credentials"],
    [{ fallback_endpoint_url: "x" }, "invalid fallback_endpoint_url: uRL must be an http or https URL"],
    [{ tags: { "": "x" } }, "tag keys must be non-empty"],
  ])("refuses %.70j", async (over, message) => {
    refused(await create({ ...URL_RULE, slug: uuid(), ...over }), 400, "validation_error", message);
  });

  test("for an endpoint behind the firewall is refused, unless private endpoints are allowed", async () => {
    const { deps } = stack;
    const config = { ...deps.config, allowPrivateEndpoints: false };
    const strict = await serve(createApp({ ...deps, config }), "127.0.0.1", 0);
    const post = async (endpoint_url: string) => {
      const response = await fetch(`http://127.0.0.1:${strict.port}/v1/jobs`, {
        method: "POST",
        headers: { authorization: `Bearer ${stack.token()}` },
        body: JSON.stringify({ name: "j", slug: uuid(), endpoint_url }),
      });
      return { status: response.status, headers: response.headers, body: await response.json() };
    };
    const PRIVATE = "invalid endpoint_url: uRL must not point to private or loopback addresses";
    const hosts = ["localhost", "127.0.0.1", "10.0.0.1", "192.168.1.1", "172.16.0.1", "169.254.169.254", "100.64.0.1"];
    const disguised = ["[::1]", "[fd00::1]", "[::ffff:127.0.0.1]", "0x7f000001", "2130706433", "localhost.", "0"];
    for (const host of [...hosts, ...disguised]) {
      refused(await post(`http://${host}/`), 400, "validation_error", PRIVATE);
      answered(await create({ ...URL_RULE, slug: uuid(), endpoint_url: `http://${host}/` }), 201, jobShape);
    }
    refused(
      await post("https://example.com:22/"),
      400,
      "validation_error",
      /^invalid endpoint_url: uRL port must be one of/,
    );
    answered(await post("https://example.com:8443/"), 201, jobShape);
    await strict.close();
  });
});

test("a job that is unknown, malformed or another project's is one and the same 404", async () => {
  const { id } = await createJob(stack);
  for (const unknown of [uuid(), "string", `${id}0`])
    refused(await stack.request("GET", `/v1/jobs/${unknown}`), 404, "not_found", "job not found");
  const token = stack.token({ projects: ["other"] });
  refused(await stack.request("GET", `/v1/jobs/${id}`, undefined, { token }), 404, "not_found", "job not found");
});

describe("the job run of a step", () => {
  test("shows how it went, and which step it is of", async () => {
    stack.jobs.on("/done", () => ({ body: { n: 12345678901234567890n } }));
    const job = await createJob(stack, "/done");
    const run = await reaches(stack, await runOf(stack, [work("only", job)], {}, { tags: { team: "a" } }), "completed");
    const step = await getStep(stack, run, "only");
    const answer = await stack.request("GET", `/v1/runs/${step.job_run_id}`);
    expect(answered(answer, 200, jobRunShape)).toMatchObject({
      id: step.job_run_id,
      job_id: job.id,
      job_version_id: job.version_id,
      project_id: "demo",
      status: "completed",
      attempt: 1,
      workflow_step_run_id: step.id,
      result: { n: 12345678901234567890n },
      tags: { team: "a" },
    });
    expect(answered(answer, 200, jobRunShape)).not.toHaveProperty("error");
  });

  test("shows what the endpoint said when it failed for good", async () => {
    stack.jobs.on("/bad", () => ({ status: 422, body: "no such order" }));
    const job = await createJob(stack, "/bad");
    const run = await reaches(stack, await runOf(stack, [work("only", job)]), "failed");
    const { job_run_id } = await getStep(stack, run, "only");
    const ended = await until(async () => {
      const answer = await stack.request("GET", `/v1/runs/${job_run_id}`);
      return answered(answer, 200, jobRunShape).finished_at && answered(answer, 200, jobRunShape);
    });
    expect(ended).toMatchObject({ status: "dead_letter", error: "endpoint returned 422: no such order" });
    const token = stack.token({ projects: ["other"] });
    const theirs = await stack.request("GET", `/v1/runs/${job_run_id}`, undefined, { token });
    refused(theirs, 404, "not_found", "run not found");
  });

  test("that is unknown or malformed is a 404", async () => {
    for (const id of [uuid(), "string"])
      refused(await stack.request("GET", `/v1/runs/${id}`), 404, "not_found", "run not found");
  });
});

import pino from "pino";
import { expect, test } from "vitest";
import { createEndpoints } from "../../activities/endpoint/endpoint-agent.ts";
import { attemptJob } from "../../activities/endpoint/job-attempt.ts";
import type { Deps } from "../../src/deps.ts";
import { startJobEndpoint } from "../stack/job-endpoint.ts";

const ID = "019571a0-0000-7000-8000-0000000000cc";

test("a process that stood still calls no fallback: what the endpoint has answered to the call that was sent is its failure", async ({
  onTestFinished,
}) => {
  const jobs = await startJobEndpoint();
  onTestFinished(() => jobs.close());
  let wasAway = false;
  jobs.on("/own", () => {
    wasAway = true;
    return { status: 429, body: "busy" };
  });
  const job = {
    ...{ id: ID, project_id: "demo", enabled: true, max_attempts: 1, timeout_secs: 60, tags: "{}" },
    ...{ payload_schema: null, result_schema: null, slow: false },
    ...{ endpoint_url: jobs.url("/own"), fallback_endpoint_url: jobs.url("/fallback") },
  };
  const db = { query: async ({ name }: { name: string }) => ({ rows: name === "find_job" ? [job] : [] }) };
  const deps = { db, config: {}, log: pino({ level: "silent" }) } as unknown as Deps;
  const input = { job_id: ID, job_run_id: "job-run", attempt: 1, sources: { project_id: "demo", run_id: "run" } };
  const { signal } = new AbortController();
  const attempt = attemptJob(deps, createEndpoints(true), input, signal, () => wasAway);
  await expect(attempt).rejects.toMatchObject({ type: "rate_limited", message: "endpoint returned 429: busy" });
  expect(jobs.callsTo("/fallback")).toEqual([]);
});

import { ApplicationFailure, ApplicationFailureCategory } from "@temporalio/common";
import { logFailedAttempt } from "./attempt-log.ts";
import { callEndpoint } from "./call-endpoint.ts";
import type { Endpoints } from "./endpoint-agent.ts";
import { EndpointFailure } from "./endpoint-failure.ts";
import { jobHeaders, runToken } from "./job-headers.ts";
import { renderPayload } from "../render.ts";
import { parseJson, stringifyJson } from "../../src/contract/json.ts";
import type { Deps } from "../../src/deps.ts";
import { findRecentJob, type StoredJob } from "../../src/store/jobs.ts";
import type { DispatchInput, FailureClass, FailureDetails } from "../../workflows/activity-types.ts";
import { applyOutputPath } from "../../workflows/expressions/output-path.ts";
import { TemplateError } from "../../workflows/expressions/templates.ts";

const FALLBACK_CLASSES: ReadonlySet<FailureClass> = new Set(["transient", "rate_limited", "connection", "timeout"]);

/**
 * Calls the job's endpoint as the job is now. Resolves with the step's output as JSON text. What the job or its
 * endpoint did wrong is a final failure, which the engine decides about; anything else is thrown as it is.
 */
export async function attemptJob(
  deps: Deps,
  endpoints: Endpoints,
  input: DispatchInput,
  canceled: AbortSignal,
): Promise<string | undefined> {
  const job = await findRecentJob(deps.db, input.job_id);
  const began = performance.now();
  try {
    const output = await call(deps, endpoints, input, usable(job, input), canceled);
    return output === undefined ? undefined : transformed(output, input.output_transform);
  } catch (error) {
    if (error instanceof EndpointFailure || error instanceof TemplateError)
      logFailedAttempt(deps.log, input, job, { error, ms: performance.now() - began });
    if (error instanceof EndpointFailure) throw finalFailure(error.class, error.message, job, error.retryAfterMs);
    if (error instanceof TemplateError) throw finalFailure("template", error.message, job);
    throw error;
  }
}

function usable(job: StoredJob | undefined, input: DispatchInput): StoredJob {
  if (job?.project_id !== input.sources.project_id)
    throw new EndpointFailure("client", `job ${input.job_id} not found`);
  if (!job.enabled) throw new EndpointFailure("client", `job ${input.job_id} is disabled`);
  return job;
}

async function call(
  { db, config }: Deps,
  endpoints: Endpoints,
  input: DispatchInput,
  job: StoredJob,
  canceled: AbortSignal,
): Promise<string | undefined> {
  const timeoutSecs = input.timeout_secs_override || job.timeout_secs;
  const secret = config.runTokenSecret;
  const token = secret && { "X-Run-Token": runToken(secret, input.job_run_id, timeoutSecs) };
  const headers = jobHeaders(input);
  const attempt = { body: (await renderPayload(db, input.sources)) ?? "{}", timeoutSecs, canceled };
  try {
    return await callEndpoint(endpoints, { ...attempt, url: job.endpoint_url, headers: { ...headers, ...token } });
  } catch (error) {
    const url = job.fallback_endpoint_url;
    if (!url || !(error instanceof EndpointFailure) || !FALLBACK_CLASSES.has(error.class)) throw error;
    return await callEndpoint(endpoints, { ...attempt, url, headers }).catch((second) => {
      throw second instanceof EndpointFailure ? both(error, second) : second;
    });
  }
}

/** The endpoint's own failure is the one that counts; the fallback's is told with it. */
function both(first: EndpointFailure, second: EndpointFailure): EndpointFailure {
  return new EndpointFailure(first.class, `${first.message}; fallback: ${second.message}`, first.retryAfterMs);
}

/** A path that leads nowhere keeps the whole answer. */
function transformed(output: string, path: string | undefined): string {
  const found = path ? applyOutputPath(path, parseJson(output)) : undefined;
  return found === undefined ? output : stringifyJson(found);
}

function finalFailure(
  type: FailureClass,
  message: string,
  job: StoredJob | undefined,
  retry_after_ms?: number,
): ApplicationFailure {
  const details: FailureDetails = { job_max_attempts: job?.max_attempts ?? 1, retry_after_ms };
  // Benign to Temporal: a failing endpoint is the run's affair, not the worker's.
  const category = ApplicationFailureCategory.BENIGN;
  return ApplicationFailure.create({ type, message, nonRetryable: true, details: [details], category });
}

import { ApplicationFailure, ApplicationFailureCategory } from "@temporalio/common";
import { logFailedAttempt } from "./attempt-log.ts";
import { callEndpoint, type EndpointCall, NotSent } from "./call-endpoint.ts";
import type { Endpoints } from "./endpoint-agent.ts";
import { EndpointFailure } from "./endpoint-failure.ts";
import { jobHeaders } from "./job-headers.ts";
import { renderPayload } from "../render.ts";
import { parseJson, stringifyJson } from "../../src/contract/json.ts";
import type { Deps } from "../../src/deps.ts";
import { payloadHash, runToken } from "../../src/identity/run-token.ts";
import { mismatch } from "../../src/rules/job-schemas.ts";
import { findRecentJob, type StoredJob } from "../../src/store/jobs.ts";
import { attempts } from "../../src/topics.ts";
import type { DispatchInput } from "../../workflows/activity-types.ts";
import type { FailureClass, FailureDetails } from "../../workflows/failure-classes.ts";
import { jobDelaySecs } from "../../workflows/engine/steps/retries.ts";
import { applyOutputPath } from "../../workflows/expressions/output-path.ts";
import { TemplateError } from "../../workflows/expressions/templates.ts";

const FALLBACK_CLASSES: ReadonlySet<FailureClass> = new Set(["transient", "rate_limited", "connection", "timeout"]);

/**
 * Calls the job's endpoint as the job is now. Resolves with the step's output as JSON text. What the job or its
 * endpoint did wrong is a final failure, which the engine decides about; anything else is thrown as it is. `isUnwanted` is asked
 * right before the request is sent, which is not done then: NotSent is thrown.
 */
export async function attemptJob(
  deps: Deps,
  endpoints: Endpoints,
  input: DispatchInput,
  canceled: AbortSignal,
  isUnwanted: () => boolean,
): Promise<string | undefined> {
  const job = await findRecentJob(deps.db, input.job_id);
  const began = performance.now();
  try {
    const called = usable(job, input);
    const output = await call(deps, endpoints, input, called, { canceled, isUnwanted });
    const problem = mismatch(called, "result_schema", output ?? "null");
    if (problem) throw new EndpointFailure("client", problem);
    const shown = output === undefined ? undefined : transformed(output, input.output_transform);
    attempts.publish({ result: "ok", ms: performance.now() - began });
    return shown;
  } catch (error) {
    if (error instanceof EndpointFailure || error instanceof TemplateError)
      logFailedAttempt(deps.log, input, job, { error, ms: performance.now() - began });
    if (error instanceof EndpointFailure)
      throw finalFailure(error.class, error.message, input, job, error.retryAfterMs);
    if (error instanceof TemplateError) throw finalFailure("template", error.message, input, job);
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
  limits: Pick<EndpointCall, "canceled" | "isUnwanted">,
): Promise<string | undefined> {
  const mayTake = input.timeout_secs_override || job.timeout_secs;
  const secsLeft = timeLeft(job, input);
  const isOver = () => new EndpointFailure("timeout", `run_ttl_secs is over: ${job.run_ttl_secs}`);
  if (secsLeft() <= 0) throw isOver();
  const timeoutSecs = Math.min(mayTake, secsLeft());
  const headers = jobHeaders(input);
  const body = (await renderPayload(db, input.sources)) ?? "{}";
  const problem = mismatch(job, "payload_schema", body);
  if (problem) throw new TemplateError(problem);
  const attempt = { ...limits, body, timeoutSecs };
  const secret = config.runTokenSecret;
  const signed = (key: string) => runToken(key, input.job_run_id, Math.ceil(timeoutSecs), payloadHash(body));
  const token = secret && { "X-Run-Token": signed(secret) };
  // What proves who calls is for the job's endpoint alone.
  const own = { ...job.headers, ...headers, ...token };
  try {
    return await callEndpoint(endpoints, { ...attempt, url: job.endpoint_url, headers: own });
  } catch (error) {
    if (error instanceof EndpointFailure && error.class === "timeout" && timeoutSecs < mayTake) throw isOver();
    const url = job.fallback_endpoint_url;
    if (!url || !(error instanceof EndpointFailure) || !FALLBACK_CLASSES.has(error.class)) throw error;
    if (secsLeft() <= 0) throw error;
    const rest = { ...attempt, timeoutSecs: Math.min(mayTake, secsLeft()) };
    return await callEndpoint(endpoints, { ...rest, url, headers }).catch((second) => {
      // Of the attempt, one call was sent and has failed.
      if (second instanceof NotSent) throw error;
      throw second instanceof EndpointFailure ? both(error, second) : second;
    });
  }
}

/** Of the time that all attempts of a job run have together, in seconds. */
function timeLeft({ run_ttl_secs = 0 }: StoredJob, { began_at }: DispatchInput): () => number {
  if (run_ttl_secs === 0) return () => Number.POSITIVE_INFINITY;
  // The run's clock may be ahead of this one.
  const began = Math.min(began_at ?? Number.POSITIVE_INFINITY, Date.now());
  return () => run_ttl_secs - (Date.now() - began) / 1000;
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
  { attempt }: DispatchInput,
  job: StoredJob | undefined,
  retry_after_ms?: number,
): ApplicationFailure {
  const details: FailureDetails = {
    job_max_attempts: job?.max_attempts ?? 1,
    retry_after_ms,
    job_delay_secs: jobDelaySecs(job?.retry_strategy, job?.retry_delays_secs, attempt),
    job_ttl_secs: job?.run_ttl_secs || undefined,
  };
  // Benign to Temporal: a failing endpoint is the run's affair, not the worker's.
  const category = ApplicationFailureCategory.BENIGN;
  return ApplicationFailure.create({ type, message, nonRetryable: true, details: [details], category });
}

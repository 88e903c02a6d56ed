import { assertSupported } from "../definitions/assert-supported.ts";
import { UNSUPPORTED } from "../../contract/without-effect.ts";
import type { Deps } from "../../deps.ts";
import { invalid } from "../../errors.ts";
import { isCron, isTimeZone } from "../../rules/cron.ts";
import { endpointProblem } from "../../rules/endpoint-url.ts";
import { JsonSchema } from "../../rules/json-schema.ts";
import type { StoredJob } from "../../store/jobs.ts";

/** Throws for what one field of a job can't say, or can't say beside another one. */
export function assertUsable({ config }: Deps, job: StoredJob): void {
  assertEndpoint("endpoint_url", job.endpoint_url, config.allowPrivateEndpoints);
  if (job.fallback_endpoint_url)
    assertEndpoint("fallback_endpoint_url", job.fallback_endpoint_url, config.allowPrivateEndpoints);
  if (job.cron && !isCron(job.cron)) throw invalid("cron", "invalid cron expression");
  if (job.cron && job.timezone && !isTimeZone(job.timezone)) throw invalid("timezone", "invalid timezone");
  assertSupported(job, UNSUPPORTED.job);
  const hasDelays = (job.retry_delays_secs ?? []).length > 0;
  if (hasDelays && job.retry_strategy !== "custom")
    throw invalid("retry_delays_secs", "retry_delays_secs needs retry_strategy custom");
  if (!hasDelays && job.retry_strategy === "custom")
    throw invalid("retry_strategy", "retry_strategy custom needs retry_delays_secs");
  assertSchema("payload_schema", job);
  assertSchema("result_schema", job);
}

function assertSchema(field: "payload_schema" | "result_schema", { [field]: schema }: StoredJob): void {
  if (schema === undefined) return;
  try {
    new JsonSchema(schema);
  } catch (error) {
    throw invalid(field, `invalid ${field}: ${(error as Error).message}`);
  }
}

function assertEndpoint(field: string, url: string, allowPrivate: boolean): void {
  const problem = endpointProblem(url, allowPrivate);
  if (problem) throw invalid(field, `invalid ${field}: ${problem}`);
}

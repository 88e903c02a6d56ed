import { assertSupported } from "../definitions/assert-supported.ts";
import { UNSUPPORTED } from "../../contract/without-effect.ts";
import type { Deps } from "../../deps.ts";
import { invalid } from "../../errors.ts";
import { isCron, isTimeZone } from "../../rules/cron.ts";
import { endpointProblem } from "../../rules/endpoint-url.ts";
import { JsonSchema } from "../../rules/json-schema.ts";
import type { StoredJob } from "../../store/jobs.ts";
import { inTurn } from "../../time/in-turn.ts";

/** Throws for what one field of a job can't say, or can't say beside another one. What it has of the one `before` it is not compiled again. */
export async function assertUsable({ config }: Deps, job: StoredJob, before?: StoredJob): Promise<void> {
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
  await assertSchema("payload_schema", job, before);
  await assertSchema("result_schema", job, before);
}

type SchemaField = "payload_schema" | "result_schema";

async function assertSchema(field: SchemaField, { project_id, [field]: schema }: StoredJob, before?: StoredJob) {
  if (schema === undefined || schema === before?.[field]) return;
  try {
    await inTurn(project_id, () => new JsonSchema(schema));
  } catch (error) {
    throw invalid(field, `invalid ${field}: ${(error as Error).message}`);
  }
}

function assertEndpoint(field: string, url: string, allowPrivate: boolean): void {
  const problem = endpointProblem(url, allowPrivate);
  if (problem) throw invalid(field, `invalid ${field}: ${problem}`);
}

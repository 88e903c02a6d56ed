import { toUSVString } from "node:util";
import type { DispatchInput } from "../../workflows/activity-types.ts";
import { traceHeaders } from "../../src/tracing/trace-headers.ts";
import { attemptSpanId, traceIdOf } from "../../workflows/engine/ids.ts";

const MAX_PREVIOUS_ERROR = 1024;
/** Servers refuse a request whose headers take more than 8 KiB or so. */
const MAX_STEP_REF = 1024;

/** What the endpoint is told beside the payload. */
export function jobHeaders(input: DispatchInput): Record<string, string> {
  const { job_run_id, job_id, attempt, step_ref, previous_error, sources } = input;
  const headers: Record<string, string> = {
    "Content-Type": "application/json",
    "X-Run-ID": job_run_id,
    "X-Job-ID": job_id,
    "X-Attempt": String(attempt),
    "X-Workflow-Run-ID": sources.run_id,
    "Idempotency-Key": `${job_run_id}:${attempt}`,
    ...traceOf(input),
  };
  if (step_ref !== undefined) headers["X-Step-Ref"] = headerRef(step_ref);
  if (attempt > 1 && previous_error) headers["X-Previous-Error"] = headerText(previous_error);
  return headers;
}

/**
 * All calls of a run are of one trace, and each attempt is a span with an id of its own, the same whenever it is asked for. A run
 * that is in no trace makes one of its id.
 */
const traceOf = ({ job_run_id, attempt, sources, trace }: DispatchInput) =>
  traceHeaders(trace ?? { trace_id: traceIdOf(sources.run_id), sampled: true }, attemptSpanId(job_run_id, attempt));

/** What is no printable ASCII, or would be taken for such an escape, is percent-encoded as UTF-8. */
function headerRef(ref: string): string {
  const encoded = toUSVString(ref).replace(/%|[^!-~]/gu, encodeURIComponent);
  return encoded.slice(0, MAX_STEP_REF).replace(/%[0-9A-F]?$/, "");
}

function headerText(text: string): string {
  return text
    .slice(0, MAX_PREVIOUS_ERROR)
    .replaceAll(/[^ -~]+/g, " ")
    .trim();
}

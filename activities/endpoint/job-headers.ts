import { createHash } from "node:crypto";
import { toUSVString } from "node:util";
import type { DispatchInput } from "../../workflows/activity-types.ts";

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
    Traceparent: traceparent(sources.run_id, `${job_run_id}/${attempt}`),
  };
  if (step_ref !== undefined) headers["X-Step-Ref"] = headerRef(step_ref);
  if (attempt > 1 && previous_error) headers["X-Previous-Error"] = headerText(previous_error);
  return headers;
}

/**
 * As W3C Trace Context has it: all calls of a run are one trace, whose id is the run's, and each attempt is a span with
 * an id of its own, the same whenever it is asked for.
 */
function traceparent(runId: string, attempt: string): string {
  const span = createHash("sha256").update(attempt).digest("hex").slice(0, 16);
  return `00-${runId.replaceAll("-", "").toLowerCase()}-${span}-01`;
}

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

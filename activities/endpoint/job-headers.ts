import jwt from "jsonwebtoken";
import type { DispatchInput } from "../../workflows/activity-types.ts";

/** How much longer than the attempt its token is good for. */
const TOKEN_GRACE_SECS = 60;
const MAX_PREVIOUS_ERROR = 1024;

/** What the endpoint is told beside the payload (contract §4). */
export function jobHeaders(input: DispatchInput): Record<string, string> {
  const headers: Record<string, string> = {
    "Content-Type": "application/json",
    "X-Run-ID": input.job_run_id,
    "X-Job-ID": input.job_id,
    "X-Attempt": String(input.attempt),
  };
  if (input.attempt > 1 && input.previous_error) headers["X-Previous-Error"] = headerText(input.previous_error);
  return headers;
}

/** Proves to the endpoint, and to us should it call back, which job run it works for. */
export function runToken(secret: string, jobRunId: string, timeoutSecs: number): string {
  return jwt.sign({}, secret, {
    algorithm: "HS256",
    subject: jobRunId,
    audience: "run",
    expiresIn: timeoutSecs + TOKEN_GRACE_SECS,
  });
}

function headerText(text: string): string {
  return text
    .slice(0, MAX_PREVIOUS_ERROR)
    .replaceAll(/[^ -~]+/g, " ")
    .trim();
}

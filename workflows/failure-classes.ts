/** Why an HTTP attempt failed (docs/definitions.md, Failure classes); the `type` of the ApplicationFailure that dispatchJob throws. */
export type FailureClass =
  | "client"
  | "auth"
  | "rate_limited"
  | "server"
  | "timeout"
  | "connection"
  | "transient"
  | "budget"
  | "oom"
  /** Nothing was called: the step's payload could not be made. */
  | "template"
  | "unknown";

/** First detail of that ApplicationFailure: what the retry rules need of the job as it is now. A step's own fields go before the job's. */
export interface FailureDetails {
  job_max_attempts: number;
  /** How long the endpoint asked to be left alone, where it did. */
  retry_after_ms?: number;
  /** How long the job waits after this attempt, where it says. */
  job_delay_secs?: number;
  /** How long all attempts of a job run may take together, where the job says. */
  job_ttl_secs?: number;
}

/** Of an answer that is no success. */
export function classOf(status: number): FailureClass {
  if (status === 429) return "rate_limited";
  if (status === 401 || status === 403) return "auth";
  // Request Timeout and Too Early ask for another try.
  if (status >= 500 || status === 408 || status === 425) return "server";
  return status >= 300 ? "client" : "unknown";
}

import { EndpointFailure } from "./endpoint-failure.ts";
import type { Deps } from "../../src/deps.ts";
import type { StoredJob } from "../../src/store/jobs.ts";
import { attempts } from "../../src/topics.ts";
import type { DispatchInput } from "../../workflows/activity-types.ts";

/**
 * A line for each attempt that its endpoint, or its payload, made fail. What the endpoint said is not in it: that is the
 * run's, and told with its attempts.
 */
export function logFailedAttempt(
  log: Deps["log"],
  { sources, step_ref, job_run_id, attempt }: DispatchInput,
  job: StoredJob | undefined,
  { error, ms }: { error: unknown; ms: number },
): void {
  const failure = error instanceof EndpointFailure ? error.class : "template";
  attempts.publish({ result: failure, ms });
  log.warn(
    {
      run: sources.run_id,
      step: step_ref,
      job_run: job_run_id,
      attempt,
      class: failure,
      ms: Math.round(ms),
      host: hostOf(job?.endpoint_url),
    },
    "attempt failed",
  );
}

/** Without the path and the query, which may hold secrets. */
export const hostOf = (url = ""): string | undefined => (URL.canParse(url) ? new URL(url).host : undefined);

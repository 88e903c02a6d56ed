import type { JobRunEvent } from "../contract/jobs/runs.ts";
import type { StoredJobRun } from "../store/job-runs.ts";
import type { AttemptRow } from "../../workflows/engine/mirror/rows.ts";
import { rfc3339 } from "../../workflows/engine/time.ts";

/** The job run's life, as its attempts tell it. */
export function presentJobRunEvents(jobRun: StoredJobRun, attempts: AttemptRow[]): JobRunEvent[] {
  const event = (type: JobRunEvent["type"], at: number, more: Partial<JobRunEvent> = {}): JobRunEvent => ({
    run_id: jobRun.id,
    type,
    ...more,
    at: rfc3339(at),
  });
  const tried = attempts.flatMap(({ status, error, started_at, finished_at }, i) => {
    const attempt = i + 1;
    const ended = status === "completed" || status === "failed" || status === "canceled" ? status : undefined;
    return [
      ...(started_at === undefined ? [] : [event("attempt.started", started_at, { attempt })]),
      ...(ended && finished_at !== undefined ? [event(`attempt.${ended}`, finished_at, { attempt, error })] : []),
    ];
  });
  const { run, status, error, created_at, finished_at } = jobRun;
  const made = run ? [event("run.queued", created_at)] : [];
  if (status === "queued" || status === "executing" || finished_at === undefined) return [...made, ...tried];
  return [...made, ...tried, event(`run.${status}`, finished_at, { error })];
}

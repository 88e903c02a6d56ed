import { z } from "zod";
import { document, shownTags } from "../fields.ts";
import { id } from "../ids.ts";
import { time } from "../times.ts";

const JOB_RUN_STATUSES = [
  "queued",
  "executing",
  "completed",
  "failed",
  "timed_out",
  "canceled",
  "expired",
  "dead_letter",
] as const;
export const jobRunStatus = z.enum(JOB_RUN_STATUSES).meta({ id: "JobRunStatus" });
export type JobRunStatus = z.output<typeof jobRunStatus>;

/** What clients ask for: they know statuses that no job run has here. */
export const ASKED_STATUSES = [
  ...JOB_RUN_STATUSES,
  "delayed",
  "dequeued",
  "waiting",
  "crashed",
  "system_failed",
] as const;

export const jobRun = z
  .strictObject({
    id,
    job_id: id,
    project_id: z.string(),
    status: jobRunStatus,
    attempt: z.int(),
    triggered_by: z.string(),
    priority: z.int(),
    job_version: z
      .int()
      .describe("0: the job is called as it is at each attempt. `job_version_id` names that version."),
    job_version_id: z
      .string()
      .describe("The version that the last attempt called; before the first, the job's own. Empty of a deleted job."),
    debug_mode: z.boolean(),
    lineage_depth: z.int().min(0),
    execution_mode: z.string(),
    workflow_run_id: id.describe("The run that it is a step of, be it one that a trigger of the job made."),
    workflow_step_run_id: id,
    payload: document.optional(),
    result: document.optional(),
    error: z.string().optional(),
    started_at: time.optional(),
    finished_at: time.optional(),
    expires_at: time.optional(),
    created_by: z.string(),
    tags: shownTags.optional(),
    created_at: time,
  })
  .meta({ id: "JobRun", description: "The HTTP side of a job step: all attempts of one dispatch." });
export type JobRun = z.output<typeof jobRun>;

export const jobRunEvent = z
  .strictObject({
    run_id: id,
    type: z.enum([
      "run.queued",
      "attempt.started",
      "attempt.completed",
      "attempt.failed",
      "attempt.canceled",
      "run.completed",
      "run.failed",
      "run.timed_out",
      "run.canceled",
      "run.expired",
      "run.dead_letter",
    ]),
    attempt: z.int().min(1).optional().describe("Of the job run, from 1."),
    error: z.string().optional(),
    at: time,
  })
  .meta({ id: "JobRunEvent", description: "Something that happened to a job run." });
export type JobRunEvent = z.output<typeof jobRunEvent>;

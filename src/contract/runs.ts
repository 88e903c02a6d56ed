import { z } from "zod";
import { document, shownTags } from "./fields.ts";
import { id, versionId } from "./ids.ts";
import { ERROR_CODES } from "./answers/problem.ts";
import { time } from "./times.ts";

/** Answers of the workflow-run family. Members without a value are absent. */

export const RUN_STATUSES = ["pending", "running", "paused", "completed", "failed", "timed_out", "canceled"] as const;
export const runStatus = z.enum(RUN_STATUSES).meta({ id: "RunStatus" });
export type RunStatus = z.output<typeof runStatus>;

export const STEP_STATUSES = ["pending", "waiting", "running", "completed", "failed", "skipped", "canceled"] as const;
export const stepStatus = z.enum(STEP_STATUSES).meta({ id: "StepStatus" });
export type StepStatus = z.output<typeof stepStatus>;

const count = z.int().min(0);

const waitingStep = z
  .strictObject({
    step_ref: z.string(),
    source: z.enum(["approval", "wait_for_event", "sleep"]),
    requested_at: time,
    expires_at: time.optional(),
    approvers: z.array(z.string()).optional(),
    event_key: z.string().optional().describe("What an event has to be sent to."),
  })
  .meta({ id: "WaitingStep" });
export type WaitingStep = z.output<typeof waitingStep>;

export const workflowRun = z
  .strictObject({
    id,
    workflow_id: id,
    project_id: z.string(),
    status: runStatus,
    triggered_by: z.string(),
    workflow_version: z.int(),
    max_parallel_steps: z.int().optional(),
    payload: document.optional(),
    error: z.string().optional(),
    started_at: time.optional(),
    finished_at: time.optional(),
    expires_at: time.optional(),
    retry_of_run_id: id.optional(),
    retried_by_run_id: id.optional().describe("The newest run that retries this one."),
    parent_workflow_run_id: id.optional(),
    parent_step_run_id: id.optional(),
    trace_id: z
      .string()
      .optional()
      .describe("Of the OpenTelemetry trace that it is in, where it was triggered while traces were on."),
    tags: shownTags.optional(),
    workflow_version_id: versionId.optional(),
    created_by: z.string().optional(),
    created_at: time,
    waiting_on: z
      .array(waitingStep)
      .optional()
      .describe("In a list that asks with `waiting_longer_than_secs`: what has waited so long, the longest first."),
  })
  .meta({ id: "WorkflowRun" });
export type WorkflowRun = z.output<typeof workflowRun>;

export const stepRun = z
  .strictObject({
    id,
    workflow_run_id: id,
    workflow_step_id: id,
    step_ref: z.string(),
    job_run_id: id.optional(),
    attempt: z.int(),
    status: stepStatus,
    deps_completed: count,
    deps_required: count,
    output: document.optional(),
    error: z.string().optional(),
    started_at: time.optional(),
    finished_at: time.optional(),
    created_at: time,
  })
  .meta({ id: "StepRun" });
export type StepRun = z.output<typeof stepRun>;

export const APPROVAL_STATUSES = ["pending", "approved", "rejected", "timed_out", "overridden", "canceled"] as const;
const approvalStatus = z.enum(APPROVAL_STATUSES);
export type ApprovalStatus = z.output<typeof approvalStatus>;

const vote = z
  .strictObject({
    actor: z.string(),
    decision: z.enum(["approve", "reject"]),
    at: time,
    as: z.string().optional().describe("The group that made them an approver: group:name."),
    comment: z.string().optional(),
    option: z.string().optional(),
    output: document.optional().describe("Of a gate with a form: what the step puts out if this vote decides it."),
  })
  .meta({ id: "Vote" });

const reassignment = z
  .strictObject({
    actor: z.string(),
    at: time,
    approvers: z
      .array(z.string())
      .describe("Who decided from then on, without those that escalations have added since."),
    reason: z.string().optional(),
    dropped: z.array(vote).optional().describe("Votes of who was no approver any more: they do not count."),
  })
  .meta({ id: "Reassignment" });

const extension = z
  .strictObject({ actor: z.string(), at: time, until: time, reason: z.string().optional() })
  .meta({ id: "Extension" });
/** What a gate shows to those who decide it, rendered when it opened. */
const shown = {
  step_attempt: z
    .int()
    .optional()
    .describe("The attempt of the step. A decision may say it, and is refused where it is another one."),
  shown_hash: z.string().optional().describe("The same for all that is shown."),
  title: z.string().optional(),
  text: z.string().optional().describe("Markdown."),
  payload: document.optional(),
  links: z.array(z.strictObject({ title: z.string().optional(), url: z.string() })).optional(),
  form: document.optional().describe("A JSON Schema. `values` of a decision are held to it."),
  options: z.array(z.string()).optional().describe("What may be chosen."),
  option: z.string().optional().describe("What was chosen."),
};

export const approval = z
  .strictObject({
    id: z.string(),
    workflow_run_id: id,
    workflow_step_run_id: id,
    approvers: z
      .array(z.string())
      .describe("Who decides it now: also whom an escalation has added, or it was reassigned to."),
    required: z.int().optional().describe("How many of them have to approve. Absent: one."),
    status: approvalStatus,
    approved_by: z.string().optional(),
    requested_at: time,
    approved_at: time.optional(),
    expires_at: time.optional(),
    error: z.string().optional(),
    ...shown,
    votes: z.array(vote).optional(),
    comments: z.array(z.strictObject({ actor: z.string(), at: time, comment: z.string() })).optional(),
    escalation_level: z.int().optional().describe("How many steps of its escalation were taken."),
    escalated_at: time.optional().describe("When the last of them was."),
    reminders: z.int().optional(),
    reminded_at: time.optional().describe("When the last of them was."),
    reassignments: z.array(reassignment).optional(),
    extensions: z.array(extension).optional(),
  })
  .meta({ id: "Approval" });
export type Approval = z.output<typeof approval>;

export const attempt = z
  .strictObject({
    attempt: z.int(),
    status: stepStatus,
    cause: z
      .enum(["operator", "condition", "dependency"])
      .optional()
      .describe(
        "Why it ended without doing its work: an operator's skip or force-complete, a false condition, a dependency.",
      ),
    job_run_id: id.optional(),
    output: document.optional(),
    error: z.string().optional(),
    approval: approval
      .omit({ id: true, workflow_run_id: true, workflow_step_run_id: true, approvers: true, required: true })
      .optional(),
    started_at: time.optional(),
    finished_at: time.optional(),
  })
  .meta({ id: "Attempt", description: "One attempt of a step. The last of them is the step as it is." });
export type Attempt = z.output<typeof attempt>;

const plannedStep = z.strictObject({
  step_ref: z.string(),
  status: stepStatus,
  status_after: stepStatus.describe("When the run has gone as far as it can by itself."),
  actions: z
    .array(z.enum(["kept", "canceled", "reset", "started", "ended"]))
    .describe(
      "In the order in which they happen: its work is canceled, it is reset, it starts at once. Or it is kept.",
    ),
  reason: z.string(),
});
const plannedSteps = z.array(plannedStep).describe("Every step, in the order of the definition.");

/** How many runs there are of each status, in all and of each workflow. */
export const runCounts = z
  .strictObject({
    total: count,
    by_status: z.partialRecord(runStatus, count),
    by_workflow: z
      .array(z.strictObject({ workflow_id: id, total: count, by_status: z.partialRecord(runStatus, count) }))
      .describe("Those with most runs first."),
    capped: z.array(runStatus).describe("Of these there may be more than were counted."),
  })
  .meta({ id: "RunCounts" });
export type RunCounts = z.output<typeof runCounts>;

/** What a command would do, as `dryRun=true` answers it. */
export const dryRun = z.strictObject({
  dry_run: z.literal(true),
  workflow_run_id: id,
  status: runStatus,
  status_after: runStatus,
  reset_steps: count.describe("The number that the command itself would answer."),
  steps: plannedSteps,
  get parent() {
    return dryRun.optional().describe("Of a sub-workflow that is opened again: what that does to its parent.");
  },
});
z.globalRegistry.add(dryRun, {
  id: "DryRun",
  description: "What a command would do. For the retry of a run, the states after it are those of the new run.",
});
export type DryRun = z.output<typeof dryRun>;

/** What a trigger would do, as `dryRun=true` answers it. */
export const triggerPlan = z
  .strictObject({
    dry_run: z.literal(true),
    run: workflowRun
      .omit({ id: true, created_at: true, started_at: true, expires_at: true })
      .describe("The run that it would make, without what is known only once it is made."),
    disabled_steps: z.array(z.string()),
    starts: z.array(z.string()).describe("Steps that would start at once."),
    status_after: runStatus.describe("When the run has gone as far as it can by itself."),
    steps: plannedSteps,
    refused: z
      .array(z.strictObject({ code: z.enum(ERROR_CODES), message: z.string() }))
      .describe("Why it would be refused now. Empty if it would not be."),
  })
  .meta({ id: "TriggerPlan" });
export type TriggerPlan = z.output<typeof triggerPlan>;

import { z } from "zod";
import { json } from "./fields.ts";
import { id } from "./ids.ts";
import { page } from "./lists.ts";
import { choice, NOT_ONE_OF, query } from "./lists/parameters.ts";
import { runStatus, stepStatus } from "./runs.ts";
import { time } from "./times.ts";

/** Answers that look into one run. Members without a value are absent. */

const ms = z.int().min(0);
const refs = z.array(z.string());

export const runLabels = z.strictObject({ labels: z.record(z.string(), z.string()) }).meta({ id: "RunLabels" });

const graphNode = z.strictObject({
  step_ref: z.string(),
  type: z.string(),
  status: stepStatus,
  depends_on: refs.optional(),
  attempt: z.int(),
  started_at: time.optional(),
  finished_at: time.optional(),
  duration_ms: ms.optional().describe("Up to now, of a step that has not ended."),
});

export const runGraph = z
  .strictObject({
    workflow_run_id: id,
    workflow_id: id,
    version: z.int(),
    nodes: z.array(graphNode).describe("In the order of the definition, without steps that the trigger has disabled."),
    edges: z.array(z.strictObject({ from: z.string(), to: z.string() })),
    roots: refs,
    runnable: refs.describe("Have not started, and all that they depend on lets them."),
    critical_path: refs.describe("The steps that take longest one after the other, on through those that are to come."),
    critical_path_estimate_ms: ms.describe(
      "A step that is over counts what it took, another its `timeout_secs_override`, or else its time so far.",
    ),
    critical_path_remaining_ms: ms.describe(
      "As far as it is known: 0 also where no step to come says how long it takes.",
    ),
  })
  .meta({ id: "RunGraph" });
export type RunGraph = z.output<typeof runGraph>;

const timelineStep = z.strictObject({
  step_run_id: id,
  step_ref: z.string(),
  status: stepStatus,
  started_at: time.optional(),
  finished_at: time.optional(),
  duration_ms: ms,
  parallel_with: refs
    .optional()
    .describe("Steps that ran at the same time. Of a run of over 300 steps, at least the first ten of them."),
  on_critical_path: z.boolean().describe("No step that ran at the same time ended later."),
  wait_ms: ms.describe("Since the end of the last step before it in this list that is over."),
});

export const runTimeline = z
  .strictObject({
    workflow_run_id: id,
    status: runStatus,
    started_at: time.optional(),
    finished_at: time.optional(),
    total_ms: ms,
    steps: z.array(timelineStep).describe("In the order in which they started, then those that have not, by name."),
  })
  .meta({ id: "RunTimeline" });
export type RunTimeline = z.output<typeof runTimeline>;

const DECISION_TYPES = ["scheduler", "concurrency", "resource", "condition"] as const;

export const decision = z
  .strictObject({
    id,
    workflow_run_id: id,
    step_run_id: id.optional().describe("Absent of a step that the trigger has disabled, and of the run itself."),
    step_ref: z.string().describe("Empty where it is the run itself that is paused."),
    decision_type: z.enum(DECISION_TYPES),
    decision: z.enum(["wait", "skip", "complete", "cancel"]),
    explanation: z.string(),
    details: z.record(z.string(), json).describe("`reason`, and what the explanation is made of."),
    created_at: time.describe("Since when."),
  })
  .meta({ id: "Decision", description: "Why a step waits or waited, or ended as it did without its own work." });
export type Decision = z.output<typeof decision>;

/** The list is always an envelope. */
export const decisionsQuery = query({
  limit: page.limit,
  cursor: page.cursor,
  envelope: choice(["true"], "must be true: this list is always an envelope").optional(),
  step_ref: z.string().optional(),
  decision_type: choice(DECISION_TYPES, NOT_ONE_OF).optional(),
});

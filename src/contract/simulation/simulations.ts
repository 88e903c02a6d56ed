import { z } from "zod";
import { predictedOrder } from "../definitions/workflow-plans.ts";
import { document, json, members } from "../fields.ts";
import { id, versionId } from "../ids.ts";
import { attempt, stepRun, workflowRun } from "../runs.ts";
import { time } from "../times.ts";
import { step_overrides } from "../trigger.ts";
import { versionPolicy, workflowStep } from "../workflows.ts";
import { outcomes } from "./outcomes.ts";

/** POST /v1/workflows/{id}/simulate. */
export const simulateWorkflowBody = members({
  payload: json.optional(),
  step_overrides,
  version_id: versionId.optional().describe("Without it, the newest version."),
  outcomes,
}).meta({ example: {} });
export type SimulateWorkflowBody = z.output<typeof simulateWorkflowBody>;

/** POST /v1/workflow-runs/{id}/simulate. */
export const simulateRunBody = members({
  version: versionPolicy.optional().describe("Without it, the run's own version."),
  outcomes,
}).meta({ example: {} });
export type SimulateRunBody = z.output<typeof simulateRunBody>;

const milliseconds = z.number().min(0);

const simulatedAttempt = z.strictObject({
  attempt: z.int(),
  status: stepRun.shape.status,
  started_at: time,
  finished_at: time.optional(),
  class: z.string().optional().describe("Why it failed."),
  error: z.string().optional(),
  next_attempt_at: time.optional().describe("When the step has waited long enough for another one."),
});

const simulatedStep = z
  .strictObject({
    step_ref: z.string(),
    step_type: workflowStep.shape.step_type,
    status: stepRun.shape.status,
    cause: attempt.shape.cause,
    reason: z
      .string()
      .optional()
      .describe("Why it did not do its work: the condition with what it compared, or what it depends on."),
    assumed: z
      .literal(true)
      .optional()
      .describe("Nothing says how it ends: it completes, is approved or is sent its event."),
    kept: z.literal(true).optional().describe("It had completed in the run that this one is a retry of."),
    started_at: time.optional(),
    finished_at: time.optional(),
    duration_ms: milliseconds.optional(),
    attempts: z.array(simulatedAttempt).optional().describe("Of a job."),
    payload: document.optional().describe("What it is given, with its references put in."),
    event_key: z.string().optional(),
    event_emit_key: z.string().optional().describe("Under which it would send an event."),
    output: document.optional(),
    error: z.string().optional(),
    left_out: z
      .array(z.enum(["payload", "output"]))
      .optional()
      .describe("What the answer has no room for."),
  })
  .meta({ id: "SimulatedStep" });
export type SimulatedStep = z.output<typeof simulatedStep>;

const simulated = {
  status: workflowRun.shape.status.describe("`running` if it would wait for ever."),
  error: z.string().optional(),
  started_at: time,
  finished_at: time.optional(),
  duration_ms: milliseconds.optional().describe("How long the run takes, by its own clock."),
  steps: z.array(simulatedStep).describe("The path: in the order in which they start, or end without having started."),
};

/** How a run of a workflow would go. */
export const workflowSimulation = predictedOrder.extend({ version_id: versionId, ...simulated }).meta({
  id: "WorkflowSimulation",
  description: "How a run would go, on a clock of its own. Nothing is done or stored.",
});
export type WorkflowSimulation = z.output<typeof workflowSimulation>;

const way = z.strictObject({
  status: stepRun.shape.status,
  cause: attempt.shape.cause,
  reason: z.string().optional(),
  error: z.string().optional(),
});

/** How a run would have gone. */
export const runSimulation = z
  .strictObject({
    workflow_run_id: id,
    workflow_id: id,
    version: z.int(),
    version_id: versionId,
    ...simulated,
    diverges_at: z
      .strictObject({
        step_ref: z.string(),
        did: way.optional().describe("Absent of a step that the run does not have."),
        would: way,
      })
      .optional()
      .describe("The first step that would go another way than it did. Absent if all go as they went."),
  })
  .meta({ id: "RunSimulation", description: "How a closed run would have gone. Nothing is done or stored." });
export type RunSimulation = z.output<typeof runSimulation>;

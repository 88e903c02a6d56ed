import { z } from "zod";
import { id } from "../ids.ts";

const count = z.int().min(0);
const refs = z.array(z.string());

export const workflowGraph = z
  .strictObject({
    workflow_id: id,
    roots: refs,
    adjacency: z.record(z.string(), refs).optional().describe("Of each step those that depend on it directly."),
    dot: z.string().optional().describe("The same for Graphviz."),
  })
  .meta({ id: "WorkflowGraph", description: "What depends on what." });
export type WorkflowGraph = z.output<typeof workflowGraph>;

/** That steps could be stored. */
export const validSteps = z.strictObject({ valid: z.literal(true), step_count: count }).meta({ id: "ValidSteps" });
export type ValidSteps = z.output<typeof validSteps>;

export const runOrder = z
  .strictObject({
    workflow_id: id,
    workflow_version: z.int(),
    step_count: count,
    roots: refs,
    topological_order: refs,
  })
  .meta({ id: "RunOrder", description: "In which order the steps of a run could begin, one at a time." });
export type RunOrder = z.output<typeof runOrder>;

export const predictedOrder = z.strictObject({
  workflow_id: id,
  version: z.int(),
  predicted_order: refs.describe("In which order the steps could begin, one at a time."),
  step_count: count,
});

import { defineQuery, defineSignal, type Sinks } from "@temporalio/workflow";
import type { JsonDoc } from "../src/contract/json.ts";
import type { RunStatus } from "../src/contract/runs.ts";
import {
  type CommandOutcome,
  type CommandPayload,
  type Refusal,
  type Verb,
  VERBS,
  VERBS_BETWEEN_RUNS,
} from "./engine/command.ts";
import type { PlanStep, RunHeader } from "./engine/plan.ts";
import type { Preview, PreviewRequest } from "./engine/preview.ts";
import type { MirrorRows, RunRow, Shown, StepRow } from "./engine/mirror/rows.ts";
import type { RunState } from "./engine/state.ts";

/** The answer to a command: its outcome, what it showed when it was applied, and what the mirror may not have yet. */
export interface CommandReply extends Shown {
  outcome: CommandOutcome;
  unmirrored: MirrorRows;
}

/** Told to a parent by its sub-workflow when that ends. */
export interface ChildEnded {
  child_run_id: string;
  status: RunStatus;
  error?: string;
  output?: JsonDoc;
  /** Of a sub-workflow that was opened again: as the parent named it. */
  life?: number;
}

/** Told to a sub-workflow whose step ended without it. */
export interface ParentClosed {
  status: "canceled" | "timed_out";
}

/** The log line of a command that was applied. The SDK's own lines of that level are not told. */
export const COMMAND = "command";

export const commandSignals = Object.fromEntries(
  [...VERBS, ...VERBS_BETWEEN_RUNS].map((verb) => [verb, defineSignal<[CommandPayload]>(verb)]),
) as Record<Verb, ReturnType<typeof defineSignal<[CommandPayload]>>>;
export const childEndedSignal = defineSignal<[ChildEnded]>("child-ended");
export const parentClosedSignal = defineSignal<[ParentClosed]>("parent-closed");

/** Queries answer null until the run has loaded its state (a reopened run reads it from the mirror first). */
export const runStateQuery = defineQuery<{ run: RunRow; unmirrored: MirrorRows } | null>("run");
export const stepStatesQuery = defineQuery<{ run: RunRow; steps: StepRow[] } | null>("steps");
export const commandOutcomeQuery = defineQuery<CommandReply | null, [string]>("commandOutcome");
/** Whether the run waits for an attempt of this job run. `steps` would say it too, but of thousands that takes long to put together. */
export const isDispatchingQuery = defineQuery<boolean | null, [jobRunId: string]>("isDispatching");
/** What a command would do to the run as it stands. */
export const previewQuery = defineQuery<Preview | Refusal | null, [PreviewRequest]>("recovery");

/** A run does not wait for what it hands to its worker so: it costs nothing, and is lost with the worker. */
export interface RunSinks extends Sinks {
  bestEffortMirror: { write(rows: MirrorRows): void };
}

export const TASK_QUEUE = "workflow-runs";
/** What runs were listed under before they were by their definition's slug, see web-ui/workflow-type.ts. Open and recorded ones still are. */
export const WORKFLOW_TYPE = "workflowRun";

/**
 * A new run (a retry keeps the outputs of `seed_from`; of `slow_jobs` the last call took long), a closed one that goes on,
 * or the next leg of a long one.
 */
export type RunInput =
  | { run: RunHeader; steps: PlanStep[]; seed_from?: string; slow_jobs?: string[] }
  | { reopen: string }
  | { run: RunHeader; steps: PlanStep[]; carried: RunState };

/** The workflow itself, as those that start it see it. */
export type RunWorkflow = (input: RunInput) => Promise<{ status: RunStatus }>;

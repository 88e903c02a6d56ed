import type { JsonDoc } from "../src/contract/json.ts";
import type { VersionPolicy } from "../src/contract/workflows.ts";
import type { BulkOutcome, BulkState } from "./bulk/messages.ts";
import type { CommandOutcome, CommandPayload, Verb } from "./engine/command.ts";
import type { AttemptEvent } from "./engine/events.ts";
import type { Excerpt } from "./engine/excerpt.ts";
import type { PlanStep, RunHeader } from "./engine/plan.ts";
import type { ApprovalRow, MirrorRows, RunRow, StepRow } from "./engine/mirror/rows.ts";
import type { SeedStep } from "./engine/run.ts";
import type { Found, RenderedGate } from "./engine/state.ts";
import type { Wanted } from "./engine/references/values.ts";
import type { RunTrace } from "./engine/plan.ts";
import type { Definition } from "./web-ui/headers.ts";
import type { DeliveryInput } from "./webhooks/messages.ts";
import type { GateTemplate } from "./gate-template.ts";
import type { Heard, Recalled, TaskState } from "./journal-types.ts";
import type { BegunWait, NotifyWaitInput } from "./wait-types.ts";

/** What a step's payload and keys are rendered from. Parents: the outputs of direct dependencies. */
export interface PayloadSources {
  project_id: string;
  run_id: string;
  trigger?: JsonDoc;
  step?: JsonDoc;
  /** Undefined for a root step; present, maybe empty, for every other. */
  parents?: [step_ref: string, output: JsonDoc][];
  /**
   * What templates name besides. A step that has no output is named without one. Absent for runs from before there was
   * one reference language: theirs are rendered as they were.
   */
  named?: {
    outputs: [step_ref: string, output?: JsonDoc][];
    /** Members of the root `run`. */
    run: { id: string; workflow_id: string; created_by?: string; attempt: number };
  };
}

export interface DispatchInput {
  job_id: string;
  job_run_id: string;
  /** Absent in older histories. */
  step_ref?: string;
  /** 1-based, within this job run. */
  attempt: number;
  previous_error?: string;
  /** When the job run began, by the run's clock. Absent in older histories. */
  began_at?: number;
  timeout_secs_override?: number;
  output_transform?: string;
  sources: PayloadSources;
  /** Of the run. */
  trace?: RunTrace;
  carried?: UnsavedOutput;
  /** Nobody can have made this attempt before, be it in a workflow task that was lost: its outcome need not be asked for. */
  fresh?: boolean;
}

/** An endpoint's answer that could not be stored yet. It travels with the heartbeats, so that no other worker need call again. */
export interface UnsavedOutput {
  text?: string;
}

export interface Heartbeat extends UnsavedOutput {
  /** Of the process that makes the attempt. Absent in older histories. */
  queue?: string;
}

export interface AttemptFailure {
  message: string;
  type: string;
  details: unknown[];
}

/** A run as it stands, to be played on from there. */
export interface PlayInput extends Excerpt {
  /** Of the workflow's clock. */
  now: number;
  /** The ids of the commands that the run has heard lately: when another one waits, the play ends at once. */
  acknowledged: string[];
  /** Where the run is. Absent in histories from before plays were journaled. */
  task?: TaskState;
  /** This is the run's first task, tried for the first time: nobody can have made a call of it. */
  fresh?: boolean;
  /** Asked for while the run was made anew from its history: `now` may be long ago. */
  replayed?: boolean;
}

/** How a call ended. */
export type CallOutcome = { output?: JsonDoc } | { failure: AttemptFailure };

export type TimedAttemptEvent = AttemptEvent & { at: number };

export interface Played {
  /** In the order in which they happened, each followed by all that the rules want then. */
  events: TimedAttemptEvent[];
  /** There if a command waits for the end of the workflow task: what happened since it came. Until it is heard, nothing follows. */
  interrupted?: TimedAttemptEvent[];
  /** Attempts that have not ended. */
  unended: Unended[];
}

/**
 * How an attempt that a play has not seen the end of goes on.
 * - here: it is being made by the process of that task queue, and is to be awaited there.
 * - slow-here: the same, and calls of its job take long: the next one need not be played.
 * - slow-elsewhere: it is not made yet, because calls of its job take long. Any worker may make it; that process knows the job.
 * - anywhere: it is not made yet, and any worker may make it.
 * - deferred: it is not made yet, and not to be made before the command is heard that waits.
 */
export type Unended =
  | { kind: "here" | "slow-here" | "slow-elsewhere"; step: number; queue: string }
  | { kind: "anywhere" | "deferred"; step: number };

export type OpenWaitInput = BegunWait & { sources: PayloadSources };

export interface OpenGateInput {
  gate: GateTemplate;
  sources: PayloadSources;
}

export interface PrepareChildInput {
  child_run_id: string;
  sub_workflow_id: string;
  /** The one that was newest when the step was stored. Absent of steps from before it was kept: the newest runs. */
  version_id?: string;
  /** Absent: `pin`. */
  version_policy?: VersionPolicy;
  parent_step_run_id: string;
  /** Of the child: its number of ancestors. Refused when it is not below the limit. */
  depth: number;
  max_nesting_depth: number;
  expires_no_later_than?: number;
  now: number;
  created_by?: string;
  retried_by?: string;
  /** Who started the run above it otherwise. */
  started?: string[];
  tags?: Record<string, string>;
  /** Of the child: within the step. */
  trace?: RunTrace;
  sources: PayloadSources;
}

/** `slow_jobs` and `definition` are absent in older histories. */
export type PreparedChild =
  | { run: RunHeader; steps: PlanStep[]; slow_jobs?: string[]; definition?: Definition }
  | { refused: string };

/** Every effect of a run outside Temporal. Infrastructure failures (Postgres down) are thrown retryable. */
export interface Activities {
  /**
   * One HTTP attempt, made once by a process however often it is asked. Resolves with the output; an endpoint's failure
   * is a non-retryable ApplicationFailure.
   */
  dispatchJob(input: DispatchInput): Promise<{ output?: JsonDoc }>;
  /** Attempts made at once, and those that follow from them, as a local activity: returns in a moment. */
  playAhead(input: PlayInput): Promise<Played>;
  /**
   * What was done for the run in a try of this workflow task that was lost, as a local activity, in order: all that came after
   * the task whose history was `after` long. Empty where no try was lost. Until it was as long as `settled`, nothing can have been.
   */
  recall(input: { run_id: string; execution: string; after: number; settled: number }): Promise<Recalled[]>;
  /**
   * Renders the key and registers the wait under it, unless another waits for it in this project. An event that is held for
   * the key is sent to the run. `notify`: its notify_url is to be told.
   */
  openWait(input: OpenWaitInput): Promise<{ event_key: string; notify?: true } | { refused: string }>;
  /** Renders what a gate shows, and who decides it. Refused where that can't be known, or is too large. */
  openGate(input: OpenGateInput): Promise<RenderedGate | { refused: string }>;
  /** One POST, to tell where an event is to be sent. Rejects unless it is answered with a 2xx. */
  notifyWait(input: NotifyWaitInput): Promise<void>;
  /** What paths in large documents lead to, by the keys they were asked under. */
  lookUp(input: { wanted: Wanted[] }): Promise<Record<string, Found>>;
  prepareChild(input: PrepareChildInput): Promise<PreparedChild>;
  /**
   * The waiting event step that an emitted key resolves, if any. Where it is the run's own, it is told here, as `own`, and none is
   * answered: Temporal lets no workflow signal itself.
   */
  findWaiting(input: {
    event_emit_key: string;
    sources: PayloadSources;
    /** Absent from workflow code of before there was this. */
    own?: { id: string; actor: string; result?: JsonDoc };
    /** The step that emits, for the log. Absent in the same way. */
    step?: string;
  }): Promise<{ run_id: string; step_ref: string; event_key: string } | null>;
  /** A sub-workflow's output as its parent sees it: {step_ref: output}. Refused where it is more than a step may be given. */
  collectOutput(input: {
    run_id: string;
    project_id: string;
    outputs: [step_ref: string, output: JsonDoc][];
  }): Promise<JsonDoc | { refused: string }>;
  /** Upserts by revision; `heard` is journaled before. As a local activity it gives up after a moment. */
  mirror(rows: MirrorRows, heard?: Heard & TaskState): Promise<void>;
  /** A closed run as the mirror holds it, to be reopened. Steps without a row never changed. */
  loadRun(input: { run_id: string }): Promise<{
    row: RunRow;
    header: RunHeader;
    steps: PlanStep[];
    rows: StepRow[];
    commands: CommandOutcome[];
    /** Absent in histories from before it was asked for. */
    approvals?: ApprovalRow[];
  }>;
  /** A command from one run to another, its parent or its sub-workflow, which is opened where it is closed. */
  reopenRun(input: { run_id: string; verb: Verb; command: CommandPayload }): Promise<{ refused?: string }>;
  /** The completed steps of a run, whose outputs its retry keeps. */
  loadCompleted(input: { run_id: string }): Promise<SeedStep[]>;
  /** Acts on the next runs of a bulk operation, each once, and keeps their outcomes. Resolves with how far it is now. */
  settleBulkChunk(input: {
    operation_id: string;
  }): Promise<{ pending: number; applied: number; skipped: number; failed: number }>;
  /** One attempt to deliver it. */
  deliverWebhook(input: DeliveryInput): Promise<void>;
  giveUpWebhook(input: DeliveryInput): Promise<void>;
  /** By revision; commands are kept for the audit. */
  storeBulkState(input: { operation_id: string; state: BulkState; commands: BulkOutcome[] }): Promise<void>;
  /** Deletes what the rules don't keep, for some minutes. */
  letGo(input: { retention: string }): Promise<{ deleted: number; is_done: boolean }>;
}

import type { JsonDoc } from "../../src/contract/json.ts";
import type { ApprovalStatus, EventTriggerStatus, RunStatus, StepStatus } from "../../src/contract/runs.ts";
import type { CommandOutcome } from "../messages.ts";
import type { Plan } from "./plan.ts";
import type { ApprovalRow, AttemptRow, JobRunRow, RunRow, StepRow, TriggerRow } from "./rows.ts";
import { type Schedule, scheduleOf } from "./schedule.ts";

/** Why a step ended without doing its work: someone decided it, its condition was false, or what it needs ended badly. */
export type Cause = "operator" | "condition" | "dependency";

export interface ApprovalState {
  status: ApprovalStatus;
  requested_at: number;
  expires_at?: number;
  approved_by?: string;
  approved_at?: number;
  error?: string;
}

export interface TriggerState {
  status: EventTriggerStatus;
  requested_at: number;
  expires_at?: number;
  /** Rendered and registered by an activity. Whoever sends to it may know it before the run has heard of it. */
  event_key?: string;
  received_at?: number;
  sent_by?: string;
  response_payload?: JsonDoc;
  error?: string;
}

export interface StepState {
  status: StepStatus;
  /** Counts every attempt of the step, over all its job runs; 1 before the first. */
  attempt: number;
  /** The attempt with which the current job run began. */
  first_attempt: number;
  /** How often the step was reset. Whatever was begun under an older generation no longer counts. */
  generation: number;
  started_at?: number;
  /** Of the present attempt, where it is not the first of its job run. */
  attempt_started_at?: number;
  finished_at?: number;
  error?: string;
  output?: JsonDoc;
  cause?: Cause;
  job_run_id?: string;
  child_run_id?: string;
  /** The child was begun: it must be told when its step ends without it. */
  child_started?: true;
  /** The child is an earlier one: opened again by this step, or by someone else. */
  child?: "reopened" | "adopted";
  /** The child that ended by itself and said so. */
  child_ended?: string;
  /** When the open step needs a timer: the end of a sleep, a gate's expiry, a job's next attempt. */
  deadline?: number;
  /** The last failed attempt of the current job run. */
  last_failure?: { class: string; error: string; at?: number };
  approval?: ApprovalState;
  trigger?: TriggerState;
  /** The step completed and its event_emit_key has not been sent yet. */
  emitting?: true;
  revision: number;
}

/** All that changes of a run. Plain JSON: this is what continue-as-new carries. */
export interface RunState {
  status: RunStatus;
  error?: string;
  started_at: number;
  finished_at?: number;
  expires_at?: number;
  revision: number;
  /** Given by a recovery, in place of the plan's. */
  payload?: JsonDoc;
  step_payloads?: Record<string, JsonDoc>;
  /** Of a sub-workflow: its parent, which thinks it over, has to be told that it runs again. */
  returning?: true;
  /** Of a sub-workflow that was opened again: for its parent to tell this end from former ones. */
  life?: number;
  steps: StepState[];
  commands: CommandOutcome[];
}

/**
 * Changes on their way to the mirror, up to a revision. What belongs to one life of a step (its gate, its job run) is
 * kept as the row it was when it changed last: a reset step no longer knows it.
 */
export interface Changes {
  steps: Set<number>;
  approvals: Map<string, ApprovalRow>;
  triggers: Map<string, TriggerRow>;
  jobRuns: Map<string, JobRunRow>;
  attempts: AttemptRow[];
  commands: CommandOutcome[];
  revision: number;
}

export const noChanges = (revision: number): Changes => ({
  steps: new Set(),
  approvals: new Map(),
  triggers: new Map(),
  jobRuns: new Map(),
  attempts: [],
  commands: [],
  revision,
});

export interface Shown {
  run: RunRow;
  step?: StepRow;
  approval?: ApprovalRow;
  trigger?: TriggerRow;
}

/** A run in memory: the state, and indexes over it. */
export interface Run {
  plan: Plan;
  state: RunState;
  schedule: Schedule;
  outcomes: Map<string, CommandOutcome>;
  /** What recent commands showed when they were applied, before the run went on: that is what their caller is answered. */
  replies: Map<string, Shown>;
  /** Steps that changed since the glue last looked what has to go on for them. */
  touched: Set<number>;
  /** What no mirror write has taken yet. */
  unmirrored: Changes;
  /** What writes have taken that may have been lost since. */
  inPassing: Changes[];
  /** What the write in flight has taken. */
  mirroring: Changes[] | undefined;
}

/** Time limit of a run that begins, or begins again, at `at`. */
export function expiry(plan: Plan, at: number): number | undefined {
  const { timeout_secs, expires_no_later_than } = plan.run;
  const own = timeout_secs ? at + timeout_secs * 1000 : undefined;
  // A sub-workflow that is reopened after its parent's time is on its own.
  const bound = expires_no_later_than !== undefined && expires_no_later_than > at ? expires_no_later_than : undefined;
  return own !== undefined && bound !== undefined ? Math.min(own, bound) : (own ?? bound);
}

/** Of a run that is retried. */
export type SeedStep = Pick<StepRow, "step_ref" | "output" | "cause">;

/** A run before its first step. `completed`: the steps whose outputs a run retry keeps (contract §2.7). */
export function initialRun(plan: Plan, completed: SeedStep[] = []): Run {
  const at = plan.run.created_at;
  const kept = new Map(completed.map((step) => [step.step_ref, step]));
  const steps = plan.steps.map((step): StepState => {
    const source = kept.get(step.step_ref);
    const fresh = { attempt: 1, first_attempt: 1, generation: 0, revision: source ? 1 : 0 };
    return source
      ? { ...fresh, status: "completed", started_at: at, finished_at: at, output: source.output, cause: source.cause }
      : { ...fresh, status: step.depends_on.length === 0 ? "pending" : "waiting" };
  });
  const state: RunState = {
    status: "running",
    started_at: at,
    expires_at: expiry(plan, at),
    revision: 1,
    steps,
    commands: [],
  };
  const run = restoredRun(plan, state);
  for (const [i, step] of steps.entries()) if (step.revision > 0) run.unmirrored.steps.add(i);
  return run;
}

/** A run whose state was carried or loaded. The first mirror write after it carries the run row at least. */
export function restoredRun(plan: Plan, state: RunState): Run {
  return {
    plan,
    state,
    schedule: scheduleOf(plan, state),
    outcomes: new Map(state.commands.map((outcome) => [outcome.id, outcome])),
    replies: new Map(),
    touched: new Set(state.steps.keys()),
    unmirrored: noChanges(0),
    inPassing: [],
    mirroring: undefined,
  };
}

/** The state of a closed run as its mirrored rows tell it. A step without a row never changed. */
export function mirroredState(
  plan: Plan,
  row: RunRow,
  rows: StepRow[],
  commands: CommandOutcome[],
  approvals: ApprovalRow[] = [],
): RunState {
  const { state } = initialRun(plan);
  const gates = new Map(approvals.map((gate) => [gate.step_run_id, gate]));
  for (const {
    id,
    idx,
    status,
    attempt,
    generation,
    cause,
    job_run_id,
    child_run_id,
    output,
    error,
    started_at,
    attempt_started_at,
    finished_at,
    revision,
  } of rows) {
    const ended = { status, attempt, first_attempt: attempt, generation, revision };
    const step = { ...ended, cause, job_run_id, output, error, started_at, attempt_started_at, finished_at };
    const gate = gates.get(id);
    // A reset step does not know its former gate any more.
    const approval = gate?.requested_at === started_at ? approvalOf(gate) : undefined;
    state.steps[idx] = {
      ...step,
      approval,
      child_run_id,
      child_started: child_run_id === undefined ? undefined : true,
    };
  }
  const { status, error, started_at, finished_at, expires_at, revision } = row;
  return {
    ...state,
    status,
    error,
    started_at: started_at ?? row.created_at,
    finished_at,
    expires_at,
    revision,
    commands,
  };
}

function approvalOf(gate: ApprovalRow | undefined): ApprovalState | undefined {
  if (!gate) return undefined;
  const { status, requested_at, expires_at, approved_by, approved_at, error } = gate;
  return { status, requested_at, expires_at, approved_by, approved_at, error };
}

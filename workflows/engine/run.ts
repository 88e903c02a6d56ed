import { type Changes, noChanges } from "./mirror/changes.ts";
import type { CommandOutcome } from "./command.ts";
import type { Plan, PlanStep } from "./plan.ts";
import type { Shown, StepRow } from "./mirror/rows.ts";
import { type Schedule, scheduleOf } from "./schedule.ts";
import type { RunState, StepState } from "./state.ts";

/** A run in memory: the state, and indexes over it. */
export interface Run {
  plan: Plan;
  state: RunState;
  schedule: Schedule;
  outcomes: Map<string, CommandOutcome>;
  /** What recent commands showed when they were applied, before the run went on: that is what their caller is answered. */
  replies: Map<string, Shown>;
  /** Of each step, and of each lane of those that wait for a place, why it waits as it was noted last for the mirror. */
  told: { steps: Map<number, string>; lanes: Map<string, string> };
  /** Steps that changed since the workflow last compared what goes on for them with what should. */
  touched: Set<number>;
  /** What no mirror write has taken yet. */
  dirty: Changes;
  /** What best-effort writes have taken, which may have been lost. */
  unacknowledged: Changes[];
  /** What the write in flight has taken. */
  inFlight: Changes[] | undefined;
}

/** Time limit of a run that begins, or begins again, at `at`. */
export function expiry(plan: Plan, at: number): number | undefined {
  const { timeout_secs, expires_no_later_than } = plan.run;
  const own = timeout_secs ? at + timeout_secs * 1000 : undefined;
  // A sub-workflow that is reopened after its parent's expiry has only its own limit.
  const bound = expires_no_later_than !== undefined && expires_no_later_than > at ? expires_no_later_than : undefined;
  return own !== undefined && bound !== undefined ? Math.min(own, bound) : (own ?? bound);
}

/** Of a run that is retried. */
export type SeedStep = Pick<StepRow, "step_ref" | "output" | "cause"> & Pick<StepState, "approval">;

/** A step to which nothing has happened. */
export const untouched = ({ depends_on }: PlanStep): StepState => ({
  status: depends_on.length === 0 ? "pending" : "waiting",
  attempt: 1,
  first_attempt: 1,
  generation: 0,
  revision: 0,
});

/** A run before its first step. `completed`: the steps whose outputs a run retry keeps. */
export function initialRun(plan: Plan, completed: SeedStep[] = []): Run {
  const at = plan.run.created_at;
  const kept = new Map(completed.map((step) => [step.step_ref, step]));
  const steps = plan.steps.map((step): StepState => {
    const source = kept.get(step.step_ref);
    const fresh = untouched(step);
    return source
      ? {
          ...fresh,
          revision: 1,
          status: "completed",
          started_at: at,
          finished_at: at,
          output: source.output,
          cause: source.cause,
          approval: source.approval,
        }
      : fresh;
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
  for (const [i, step] of steps.entries()) if (step.revision > 0) run.dirty.steps.add(i);
  return run;
}

/** What a continue-as-new carries. What was looked up is looked up again: it may be large. */
export const carriedState = (state: RunState): RunState => ({
  ...state,
  steps: state.steps.map(({ found, ...step }) => step),
});

/** A run whose state was carried or loaded. The first mirror write after it carries the run row at least. */
export function restoredRun(plan: Plan, state: RunState): Run {
  return {
    plan,
    state,
    schedule: scheduleOf(plan, state),
    outcomes: new Map(state.commands.map((outcome) => [outcome.id, outcome])),
    replies: new Map(),
    told: { steps: new Map(), lanes: new Map() },
    touched: new Set(state.steps.keys()),
    dirty: noChanges(0),
    unacknowledged: [],
    inFlight: undefined,
  };
}

import { partitionPoint } from "./partition-point.ts";
import type { Plan } from "./plan.ts";
import type { RunState, StepState } from "./state.ts";
import { isStepOver } from "./transitions.ts";

/**
 * What deciding needs to know at once, kept up to date by `changeStep` instead of being recomputed: so the cost of an
 * event does not grow with the number of steps. Everything here follows from plan and state.
 */
export interface Schedule {
  /** Per step: how many of its dependencies let it go on. Never more than it has. */
  depsCompleted: number[];
  /** Steps that only wait for a free place, to start or for their next attempt, by lane, in definition order. */
  ready: Map<string, number[]>;
  unfinished: number;
  /** Those for which something goes on: a step between two attempts takes no place. */
  running: number;
  runningByClass: Map<string, number>;
  runningByKey: Map<string, number>;
}

/** Steps of one lane are held back by the same limits, so looking at its first step is enough. */
const laneOf = (plan: Plan, i: number): string => {
  const step = plan.steps[i];
  return `${step?.resource_class}/${step?.concurrency_key ?? ""}`;
};

/** Whether dependents may go on after this step (also where its condition was false). */
export function letsGoOn(plan: Plan, state: { steps: Pick<StepState, "status" | "cause">[] }, i: number): boolean {
  const step = state.steps[i];
  switch (step?.status) {
    case "completed":
      return true;
    case "skipped":
      return step.cause === "condition" ? plan.steps[i]?.on_skip !== "skip_dependents" : step.cause !== "dependency";
    case "failed":
      return plan.steps[i]?.on_failure === "continue";
    default:
      return false;
  }
}

/** Whether dependents can never go on after this step, as things stand. */
export const isDeadEnd = (plan: Plan, state: RunState, i: number): boolean =>
  isStepOver(state.steps[i]?.status ?? "pending") && !letsGoOn(plan, state, i);

/** What keeps a step from ever running: the first of its dependencies that it can never go on after. */
export const deadEndBefore = (plan: Plan, state: RunState, i: number): number | undefined =>
  plan.dependencies[i]?.find((parent) => isDeadEnd(plan, state, parent));

const isUnstarted = (step: StepState): boolean =>
  (step.status === "pending" || step.status === "waiting") && step.started_at === undefined;

/** Pending or waiting, with every dependency done, not started; or its next attempt is due. */
const isReady = (plan: Plan, state: RunState, schedule: Schedule, i: number): boolean => {
  const step = state.steps[i];
  if (step?.between_attempts) return step.deadline === undefined;
  return step !== undefined && isUnstarted(step) && schedule.depsCompleted[i] === plan.dependencies[i]?.length;
};

export function scheduleOf(plan: Plan, state: RunState): Schedule {
  const schedule: Schedule = {
    depsCompleted: plan.dependencies.map((parents) => parents.filter((p) => letsGoOn(plan, state, p)).length),
    ready: new Map(),
    unfinished: 0,
    running: 0,
    runningByClass: new Map(),
    runningByKey: new Map(),
  };
  for (const i of plan.steps.keys()) {
    count(plan, state, schedule, i, 1);
    if (isReady(plan, state, schedule, i)) setReady(plan, schedule, i, true);
  }
  return schedule;
}

/** The one way to change a step: applies `mutate` and brings the schedule along. */
export function changeStep(
  plan: Plan,
  state: RunState,
  schedule: Schedule,
  i: number,
  mutate: (step: StepState) => void,
): void {
  const step = state.steps[i] as StepState;
  const couldGoOn = letsGoOn(plan, state, i);
  const wasReady = isReady(plan, state, schedule, i);
  count(plan, state, schedule, i, -1);
  mutate(step);
  count(plan, state, schedule, i, 1);
  if (wasReady !== isReady(plan, state, schedule, i)) setReady(plan, schedule, i, !wasReady);
  const canGoOn = letsGoOn(plan, state, i);
  if (couldGoOn === canGoOn) return;
  for (const d of plan.dependents[i] ?? []) {
    const before = isReady(plan, state, schedule, d);
    schedule.depsCompleted[d] = (schedule.depsCompleted[d] ?? 0) + (canGoOn ? 1 : -1);
    if (before !== isReady(plan, state, schedule, d)) setReady(plan, schedule, d, !before);
  }
}

function count(plan: Plan, state: RunState, schedule: Schedule, i: number, by: 1 | -1): void {
  const { status = "pending", between_attempts } = state.steps[i] ?? {};
  if (!isStepOver(status)) schedule.unfinished += by;
  if (status !== "running" || between_attempts) return;
  const step = plan.steps[i];
  schedule.running += by;
  const resource = step?.resource_class ?? "small";
  schedule.runningByClass.set(resource, (schedule.runningByClass.get(resource) ?? 0) + by);
  const key = step?.concurrency_key;
  if (key) schedule.runningByKey.set(key, (schedule.runningByKey.get(key) ?? 0) + by);
}

function setReady(plan: Plan, schedule: Schedule, i: number, ready: boolean): void {
  const lane = laneOf(plan, i);
  const steps = schedule.ready.get(lane) ?? [];
  const place = partitionPoint(steps.length, (at) => (steps[at] as number) < i);
  steps.splice(place, ready ? 0 : 1, ...(ready ? [i] : []));
  if (steps.length > 0) schedule.ready.set(lane, steps);
  else schedule.ready.delete(lane);
}

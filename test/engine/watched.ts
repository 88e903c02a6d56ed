import type { RunStatus, StepStatus } from "../../src/contract/runs.ts";
import { CLASS_CAPACITY } from "../../workflows/engine/decide.ts";
import type { RunEvent } from "../../workflows/engine/events.ts";
import { evolve } from "../../workflows/engine/evolve.ts";
import { descendantsOf } from "../../workflows/engine/plan.ts";
import { scheduleOf } from "../../workflows/engine/schedule.ts";
import type { Run, StepState } from "../../workflows/engine/state.ts";
import { isRunOver, isStepOver, RUN_TRANSITIONS, STEP_TRANSITIONS } from "../../workflows/engine/transitions.ts";
import { stepRow } from "../../workflows/engine/view.ts";
import { expect } from "vitest";

/** Makes a run complain about every change of a status, its own or a step's, that the tables don't have. */
export function watched(run: Run): Run {
  const { state } = run;
  state.steps = state.steps.map((step) => watch<StepStatus, StepState>(step, STEP_TRANSITIONS));
  run.state = watch<RunStatus, Run["state"]>(state, RUN_TRANSITIONS);
  return run;
}

function watch<Status extends string, Holder extends { status: Status }>(holder: Holder, table: Record<Status, readonly Status[]>): Holder {
  let last = holder.status;
  return new Proxy(holder, {
    set(target, member, value) {
      if (member === "status" && value !== last) {
        if (!table[last].includes(value as Status)) throw new Error(`no transition from ${last} to ${value}`);
        last = value as Status;
      }
      return Reflect.set(target, member, value);
    },
  });
}

/** Evolves, and holds what came out against what must be true after any event, said here in other words than the engine's. */
export function evolveWatched(run: Run, event: RunEvent): Run {
  const before = lookAt(run);
  evolve(run, event);
  const after = lookAt(run);

  expect(run.schedule, "the schedule kept along the way is the one the state tells").toEqual(scheduleOf(run.plan, run.state));
  assertDependencies(run);
  assertLimits(run);
  expect(after.revision).toBeGreaterThanOrEqual(before.revision);
  if (after.shown !== before.shown) expect(after.revision, "what is shown changed under a new revision").toBeGreaterThan(before.revision);
  if (isRunOver(after.status)) expect(run.state.steps.every((step) => isStepOver(step.status))).toBe(true);
  assertStarts(run, before, event);
  assertKept(run, before, after, event);
  return run;
}

type Look = ReturnType<typeof lookAt>;

const lookAt = (run: Run) => ({
  status: run.state.status,
  revision: run.state.revision,
  shown: JSON.stringify(run.plan.steps.map((_, i) => stepRow(run, i))),
  steps: run.state.steps.map(({ status, generation, started_at }) => ({ status, generation, started_at })),
});

/** Contract §7.2: whether a dependency that stands like this lets its dependents go on. */
function advances(run: Run, i: number): boolean {
  const { status, cause } = run.state.steps[i] as StepState;
  const policy = run.plan.steps[i]?.on_failure;
  return status === "completed" || (status === "skipped" && cause !== "dependency") || (status === "failed" && policy === "continue");
}

const done = (run: Run, i: number): number => (run.plan.dependencies[i] ?? []).filter((p) => advances(run, p)).length;

function assertDependencies(run: Run): void {
  for (const i of run.plan.steps.keys()) {
    const { deps_completed, deps_required } = stepRow(run, i);
    expect(deps_completed).toBe(done(run, i));
    expect(deps_required).toBe(run.plan.steps[i]?.depends_on.length);
    expect(deps_completed).toBeLessThanOrEqual(deps_required);
  }
}

function assertLimits(run: Run): void {
  const running = run.plan.steps.filter((_, i) => run.state.steps[i]?.status === "running");
  if (run.plan.run.max_parallel_steps) expect(running.length).toBeLessThanOrEqual(run.plan.run.max_parallel_steps);
  for (const [name, capacity] of Object.entries(CLASS_CAPACITY)) {
    expect(running.filter((step) => step.resource_class === name).length).toBeLessThanOrEqual(capacity);
  }
  const keys = running.flatMap((step) => step.concurrency_key ?? []);
  expect(new Set(keys).size, "one running step a concurrency_key").toBe(keys.length);
}

/** A step starts only in a running run, and only once all that it depends on lets it. */
function assertStarts(run: Run, before: Look, event: RunEvent): void {
  for (const [i, step] of run.state.steps.entries()) {
    if (step.started_at === undefined || before.steps[i]?.started_at === step.started_at) continue;
    expect(event).toMatchObject({ type: "step_started", step: i });
    expect(before.status).toBe("running");
    expect(done(run, i)).toBe(run.plan.dependencies[i]?.length);
  }
}

/** A step that is over stays as it is, unless a recovery says that this very step is to run again. */
function assertKept(run: Run, before: Look, after: Look, event: RunEvent): void {
  const reset = new Set(resetBy(run, before, event));
  for (const [i, was] of before.steps.entries()) {
    const is = after.steps[i];
    expect(is?.generation, `generation of step ${i}`).toBe(was.generation + (reset.has(i) ? 1 : 0));
    if (isStepOver(was.status) && !reset.has(i)) expect(is).toEqual(was);
  }
}

function resetBy(run: Run, before: Look, event: RunEvent): number[] {
  if (event.type !== "command" || run.outcomes.get(event.id)?.status !== "applied") return [];
  if (event.verb !== "retry" && event.verb !== "replay-subtree") return [];
  const target = run.plan.index.get(event.step_ref ?? "") as number;
  const lost = (i: number) => before.steps[i]?.status === "skipped" || before.steps[i]?.status === "canceled";
  const after = descendantsOf(run.plan, target).filter((i) => event.verb === "replay-subtree" || lost(i));
  const canceled = isRunOver(before.status) ? [...before.steps.keys()].filter((i) => before.steps[i]?.status === "canceled") : [];
  return [target, ...after, ...canceled];
}

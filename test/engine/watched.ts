import assert from "node:assert/strict";
import type { RunStatus, StepStatus } from "../../src/contract/runs.ts";
import { CLASS_CAPACITY } from "../../workflows/engine/decide.ts";
import type { RunEvent } from "../../workflows/engine/events.ts";
import { evolve } from "../../workflows/engine/evolve.ts";
import { descendantsOf } from "../../workflows/engine/plan.ts";
import { type Schedule, scheduleOf } from "../../workflows/engine/schedule.ts";
import type { Run, StepState } from "../../workflows/engine/state.ts";
import { isRunOver, isStepOver, RUN_TRANSITIONS, STEP_TRANSITIONS } from "../../workflows/engine/transitions.ts";

/** Makes a run complain about every change of a status, its own or a step's, that the tables don't have. */
export function watched(run: Run): Run {
  const { state } = run;
  state.steps = state.steps.map((step) => watch<StepStatus, StepState>(step, STEP_TRANSITIONS));
  run.state = watch<RunStatus, Run["state"]>(state, RUN_TRANSITIONS);
  return run;
}

function watch<Status extends string, Holder extends { status: Status }>(
  holder: Holder,
  table: Record<Status, readonly Status[]>,
): Holder {
  let last = holder.status;
  return new Proxy(holder, {
    set(target, member, value) {
      if (member === "status" && value !== last) {
        assert(table[last].includes(value as Status), `no transition from ${last} to ${value}`);
        last = value as Status;
      }
      return Reflect.set(target, member, value);
    },
  });
}

/**
 * Evolves, and holds what came out against what must be true after any event, said here in other words than the
 * engine's. By node's assert: vitest's expect is too slow for a million times.
 */
export function evolveWatched(run: Run, event: RunEvent): Run {
  const before = lookAt(run);
  evolve(run, event);
  const after = lookAt(run);

  assert.deepEqual(
    plain(run.schedule),
    plain(scheduleOf(run.plan, run.state)),
    "the schedule kept along the way is the one the state tells",
  );
  assertDependencies(run);
  assertLimits(run);
  assert(after.revision >= before.revision);
  if (after.shown !== before.shown)
    assert(after.revision > before.revision, "what is shown changed under a new revision");
  if (isRunOver(after.status))
    assert(
      run.state.steps.every((step) => isStepOver(step.status)),
      "no step outlives its run",
    );
  assertStarts(run, before, event);
  assertKept(run, before, after, event);
  return run;
}

type Look = ReturnType<typeof lookAt>;

const lookAt = ({ state, schedule }: Run) => ({
  status: state.status,
  revision: state.revision,
  shown: JSON.stringify([state.steps.map(({ revision, emitting, ...step }) => step), schedule.depsCompleted]),
  steps: state.steps.map(({ status, generation, started_at, cause, child_run_id }) => {
    return { status, generation, started_at, cause, child_run_id };
  }),
});

/** A count that fell back to zero is as good as none. */
const plain = (schedule: Schedule): Schedule => ({
  ...schedule,
  runningByClass: new Map([...schedule.runningByClass].filter(([, n]) => n !== 0)),
  runningByKey: new Map([...schedule.runningByKey].filter(([, n]) => n !== 0)),
});

/** Contract §7.2: whether a dependency that stands like this lets its dependents go on. */
function advances(
  run: Run,
  i: number,
  step: Pick<StepState, "status" | "cause"> | undefined = run.state.steps[i],
): boolean {
  const { status, cause } = step as Pick<StepState, "status" | "cause">;
  const policy = run.plan.steps[i]?.on_failure;
  return (
    status === "completed" ||
    (status === "skipped" && cause !== "dependency") ||
    (status === "failed" && policy === "continue")
  );
}

const done = (run: Run, i: number): number => (run.plan.dependencies[i] ?? []).filter((p) => advances(run, p)).length;

function assertDependencies(run: Run): void {
  for (const [i, counted] of run.schedule.depsCompleted.entries()) {
    assert.equal(counted, done(run, i), `dependencies done of step ${i}`);
    assert(counted <= (run.plan.steps[i]?.depends_on.length ?? 0));
  }
}

function assertLimits(run: Run): void {
  const running = run.plan.steps.filter((_, i) => run.state.steps[i]?.status === "running");
  const limit = run.plan.run.max_parallel_steps || Number.POSITIVE_INFINITY;
  assert(running.length <= limit, `max_parallel_steps: ${running.length} of ${limit}`);
  for (const [name, capacity] of Object.entries(CLASS_CAPACITY)) {
    assert(running.filter((step) => step.resource_class === name).length <= capacity, `class ${name}`);
  }
  const keys = running.flatMap((step) => step.concurrency_key ?? []);
  assert.equal(new Set(keys).size, keys.length, "one running step a concurrency_key");
}

/** A step starts only in a running run, and only once all that it depends on lets it. */
function assertStarts(run: Run, before: Look, event: RunEvent): void {
  for (const [i, step] of run.state.steps.entries()) {
    const was = before.steps[i];
    if (step.started_at === undefined || (was?.started_at === step.started_at && was.generation === step.generation))
      continue;
    assert(event.type === "step_started" && event.step === i, `step ${i} started by ${event.type}`);
    assert.equal(before.status, "running");
    assert.equal(done(run, i), run.plan.dependencies[i]?.length, `step ${i} started before its dependencies let it`);
  }
}

/** A step that is over stays as it is, unless a recovery says that this very step is to run again. */
function assertKept(run: Run, before: Look, after: Look, event: RunEvent): void {
  const reset = new Set(resetBy(run, before, event));
  for (const [i, was] of before.steps.entries()) {
    const is = after.steps[i];
    assert.equal(is?.generation, was.generation + (reset.has(i) ? 1 : 0), `generation of step ${i}`);
    if (isStepOver(was.status) && !reset.has(i)) assert.deepEqual(is, was, `step ${i} was over`);
  }
}

function resetBy(run: Run, before: Look, event: RunEvent): number[] {
  if (event.type !== "command" || run.outcomes.get(event.id)?.status !== "applied") return [];
  if (event.verb !== "retry" && event.verb !== "replay-subtree" && event.verb !== "reopen" && event.verb !== "adopt")
    return [];
  if (run.state.revision === before.revision) return []; // the same command again
  const steps = [...before.steps.keys()];
  if (event.verb === "reopen")
    return event.only_tell
      ? []
      : steps.filter((i) => isStepOver(before.steps[i]?.status ?? "pending") && !advances(run, i, before.steps[i]));
  const target =
    event.verb === "adopt"
      ? before.steps.findIndex((step) => step.child_run_id === event.child_run_id)
      : (run.plan.index.get(event.step_ref ?? "") as number);
  const lost = (i: number) => before.steps[i]?.status === "skipped" || before.steps[i]?.status === "canceled";
  const behind = descendantsOf(run.plan, target).filter((i) => event.verb === "replay-subtree" || lost(i));
  const canceled = isRunOver(before.status)
    ? [...before.steps.keys()].filter((i) => before.steps[i]?.status === "canceled")
    : [];
  return [target, ...behind, ...canceled];
}

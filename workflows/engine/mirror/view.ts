import { failureClass } from "./attempts.ts";
import { stepRunId } from "../ids.ts";
import type { PlanStep, RunHeader } from "../plan.ts";
import { type Run, untouched } from "../run.ts";
import { STEP_KINDS } from "../steps/index.ts";
import type { OwnRows } from "../steps/kind.ts";
import type { RunRow, Shown, StepRow } from "./rows.ts";
import { ofStep } from "../steps/of-step.ts";

// What is spread comes last in these rows: members that are added to a copy give each object a hidden class of its own in V8, which
// takes twenty times as long as the row.

/** What a run shows of itself: the rows that queries answer and the mirror writes. */
export function runRow({ plan, state }: Run): RunRow {
  const { expires_no_later_than: _, rules: __, payload, step_payloads, involved: was, ...header } = plan.run;
  const involved = state.involved ?? was;
  return {
    status: state.status,
    error: state.error,
    payload: state.payload ?? payload,
    step_payloads: state.step_payloads ?? step_payloads,
    started_at: state.started_at,
    finished_at: state.finished_at,
    expires_at: state.expires_at,
    revision: state.revision,
    ...(involved && { involved }),
    ...header,
  };
}

export function stepRow(run: Run, i: number): StepRow {
  const of = ofStep(run, i);
  if (!of) throw new RangeError(`no step ${i}`);
  const { plan, definition, step } = of;
  const showsStart = STEP_KINDS[definition.step_type].showsStart?.(step) ?? true;
  return {
    status: step.status,
    attempt: step.attempt,
    generation: step.generation,
    cause: step.cause,
    deps_completed: run.schedule.depsCompleted[i] ?? 0,
    job_run_id: step.job_run_id,
    child_run_id: step.child_started || step.child ? step.child_run_id : undefined,
    output: step.output,
    error: step.error,
    started_at: showsStart ? step.started_at : undefined,
    attempt_started_at: step.attempt_started_at,
    finished_at: step.finished_at,
    revision: step.revision,
    ...(step.status === "failed" && failureClass(run, step.last_failure)),
    ...fixed(plan.run, definition, i),
  };
}

/** The row of a step to which nothing has happened since its run began. It is not mirrored. */
export function untouchedRow(run: Begun, definition: PlanStep, i: number): StepRow {
  const { first_attempt, ...step } = untouched(definition);
  return { deps_completed: 0, ...step, ...fixed(run, definition, i) };
}

type Begun = Pick<RunHeader, "id" | "created_at">;

const fixed = (run: Begun, definition: PlanStep, i: number) => ({
  id: stepRunId(run.id, i),
  run_id: run.id,
  idx: i,
  workflow_step_id: definition.id,
  step_ref: definition.step_ref,
  deps_required: definition.depends_on.length,
  created_at: run.created_at,
});

/** The rows that the step has besides its own, by its type. */
export function ownRows(run: Run, i: number): OwnRows {
  const of = ofStep(run, i);
  return of ? STEP_KINDS[of.definition.step_type].rows(of, run.state.status) : {};
}

/** What a command answers its caller: the run, and the step it was for. */
export function replyOf(run: Run, stepRef: string | undefined): Shown {
  const i = run.plan.index.get(stepRef ?? "");
  if (i === undefined) return { run: runRow(run) };
  const { approval, trigger } = ownRows(run, i);
  return { run: runRow(run), step: stepRow(run, i), approval, trigger };
}

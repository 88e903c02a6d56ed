import type { StepStatus } from "../contract/runs.ts";
import type { Decision, RunEvent } from "../../workflows/engine/events.ts";
import { conditionTests } from "../../workflows/engine/references/facts.ts";
import type { Run } from "../../workflows/engine/run.ts";
import { deadEndBefore } from "../../workflows/engine/schedule.ts";
import type { StepState } from "../../workflows/engine/state.ts";
import { isStepOver } from "../../workflows/engine/transitions.ts";

/** As much of the payloads as an answer has room for, in characters. */
const MOST_SHOWN = 4 * 1_048_576;

export interface TracedAttempt {
  attempt: number;
  started_at: number;
  finished_at?: number;
  status?: StepStatus;
  class?: string;
  error?: string;
  next_attempt_at?: number;
}

/** What is told of a step besides its state. */
export interface TracedStep {
  step: number;
  attempts: TracedAttempt[];
  /** JSON text. */
  payload?: string;
  /** There was no room for its payload. */
  isLeftOut?: true;
  /** It had completed before this run began. */
  isKept?: true;
  event_key?: string;
  event_emit_key?: string;
  /** Why it did not do its work. */
  reason?: string;
}

/** What happened in a simulated run, in the order in which it happened. */
export class Trace {
  /** In the order in which they began, or ended without beginning. */
  readonly begun: TracedStep[] = [];
  /** In the order in which they ended. */
  readonly ended: number[] = [];
  readonly #steps = new Map<number, TracedStep>();
  readonly #over = new Set<number>();
  #shown = 0;

  /** What has completed in the run that this one is a retry of. */
  began(run: Run): void {
    for (const [i, { status }] of run.state.steps.entries()) if (isStepOver(status)) this.#of(i).isKept = true;
  }

  /** Before it happens. */
  decided(run: Run, decision: Decision): void {
    if (decision.type !== "step_skipped") return;
    const tests = conditionTests(run, decision.step).map(({ test, held }) => `${test}: ${held}`);
    this.#of(decision.step).reason = `its condition does not hold (${tests.join("; ")})`;
  }

  /** After it has changed. */
  changed(run: Run, i: number): void {
    const step = run.state.steps[i] as StepState;
    if (step.started_at === undefined && !isStepOver(step.status)) return;
    const traced = this.#of(i);
    if (!isStepOver(step.status) || this.#over.has(i)) return;
    this.#over.add(i);
    this.ended.push(i);
    traced.reason ??= reasonOf(run, i);
    const last = traced.attempts.at(-1);
    if (last && last.finished_at === undefined)
      Object.assign(last, { finished_at: step.finished_at, status: step.status });
  }

  /** An attempt of a job has ended. */
  heard(run: Run, event: RunEvent): void {
    if (event.type !== "attempt_completed" && event.type !== "attempt_failed") return;
    const last = this.#of(event.step).attempts.at(-1);
    if (!last) return;
    last.finished_at = event.at;
    last.status = event.type === "attempt_completed" ? "completed" : "failed";
    if (event.type === "attempt_completed") return;
    last.class = event.class;
    last.error = event.error;
    last.next_attempt_at = run.state.steps[event.step]?.deadline;
  }

  attempts(i: number, attempt: TracedAttempt): void {
    this.#of(i).attempts.push(attempt);
  }

  /** Of several attempts the last one's is told. */
  given(i: number, payload: string | undefined): void {
    if (payload === undefined) return;
    const traced = this.#of(i);
    this.#shown += payload.length - (traced.payload?.length ?? 0);
    if (this.#shown <= MOST_SHOWN) traced.payload = payload;
    else {
      this.#shown -= payload.length;
      traced.payload = undefined;
      traced.isLeftOut = true;
    }
  }

  listens(i: number, key: string): void {
    this.#of(i).event_key = key;
  }

  emits(i: number, key: string): void {
    this.#of(i).event_emit_key = key;
  }

  #of(step: number): TracedStep {
    const known = this.#steps.get(step);
    if (known) return known;
    const traced: TracedStep = { step, attempts: [] };
    this.#steps.set(step, traced);
    this.begun.push(traced);
    return traced;
  }
}

function reasonOf({ plan, state }: Run, i: number): string | undefined {
  const { status, cause } = state.steps[i] as StepState;
  if (status === "canceled") return `the run ended as ${state.status}`;
  if (cause !== "dependency") return undefined;
  const bad = deadEndBefore(plan, state, i) ?? -1;
  return `${plan.steps[bad]?.step_ref}, which it depends on, is ${state.steps[bad]?.status}`;
}

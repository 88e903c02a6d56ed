import type { JsonDoc } from "../../src/contract/json.ts";
import type { StepStatus } from "../../src/contract/runs.ts";
import { BEGIN, planWith, type Step } from "./plans.ts";
import { watched } from "./watched.ts";
import { advance } from "../../workflows/engine/advance.ts";
import type { CommandOutcome, CommandPayload, Verb } from "../../workflows/engine/command.ts";
import type { RunEvent } from "../../workflows/engine/events.ts";
import { evolve } from "../../workflows/engine/evolve.ts";
import type { Plan, RunHeader } from "../../workflows/engine/plan.ts";
import type { StepRow } from "../../workflows/engine/mirror/rows.ts";
import { initialRun, type Run } from "../../workflows/engine/run.ts";
import type { StepState } from "../../workflows/engine/state.ts";
import type { Work } from "../../workflows/engine/steps/kind.ts";
import { isRunOver } from "../../workflows/engine/transitions.ts";
import { ownRows, runRow, stepRow } from "../../workflows/engine/mirror/view.ts";
import { workOf } from "../../workflows/engine/steps/work.ts";

/** A run of these steps that has gone as far as it can by itself. */
export function given(
  steps: Step[],
  header: Partial<RunHeader> = {},
  completed: { step_ref: string; output?: JsonDoc }[] = [],
): Story {
  return new Story(initialRun(planWith(steps, header), completed));
}

export const text = (value: unknown): JsonDoc => ({ text: JSON.stringify(value) });

type Failure = {
  class: string;
  error: string;
  job_max_attempts: number;
  random: number;
  retry_after_ms?: number;
  job_delay_secs?: number;
  job_ttl_secs?: number;
};
type News = Extract<RunEvent, { generation: number }>;
/** Of a union, every member without these properties. */
type Without<Union, Keys extends PropertyKey> = Union extends unknown ? Omit<Union, Keys> : never;

/** Tells an engine what happened and lets it go on each time; steps are spoken of by their step_ref. */
export class Story {
  run: Run;
  now = BEGIN;
  #commands = 0;

  constructor(run: Run) {
    this.run = watched(run);
    this.#settle();
  }

  happens(event: Without<RunEvent, "at">): this {
    evolve(this.run, { ...event, at: this.now } as RunEvent);
    this.#settle();
    return this;
  }

  #settle(): void {
    advance(this.run, this.now);
  }

  /** News of a step in its present life and attempt. */
  news(ref: string, news: Without<News, "at" | "step" | "generation">): this {
    const step = this.index(ref);
    return this.happens({ ...news, step, generation: this.state(ref).generation } as Without<RunEvent, "at">);
  }

  completes(ref: string, output?: JsonDoc): this {
    return this.news(ref, { type: "attempt_completed", attempt: this.state(ref).attempt, output });
  }

  /** One attempt of a job fails; by default for good. */
  fails(ref: string, failure: Partial<Failure> = {}): this {
    const { attempt } = this.state(ref);
    return this.news(ref, {
      type: "attempt_failed",
      attempt,
      class: "client",
      error: "boom",
      job_max_attempts: 3,
      random: 0.5,
      ...failure,
    });
  }

  /** Time passes; whatever is due on the way happens when it is due. */
  later(secs: number): this {
    const until = this.now + secs * 1000;
    for (;;) {
      const due = this.#due();
      if (due === undefined || due.at > until) break;
      this.now = Math.max(this.now, due.at);
      this.happens(due.event);
    }
    this.now = until;
    return this;
  }

  #due(): { at: number; event: Without<RunEvent, "at"> } | undefined {
    const { steps, status, expires_at } = this.run.state;
    const due = steps.flatMap(({ generation }, step) =>
      workOf(this.run, step).flatMap((work) =>
        work.kind === "timer"
          ? [{ at: work.until, event: { type: "deadline_passed", step, generation, deadline: work.until } as const }]
          : [],
      ),
    );
    const expiry =
      isRunOver(status) || expires_at === undefined
        ? []
        : [{ at: expires_at, event: { type: "run_expired" } as const }];
    return [...due, ...expiry].sort((a, b) => a.at - b.at)[0];
  }

  command(verb: Verb, step_ref?: string, payload: CommandPayload & { actor?: string } = {}): CommandOutcome {
    this.#commands++;
    const id = payload.id ?? `command-${this.#commands}`;
    this.happens({ type: "command", verb, actor: "ada", step_ref, ...payload, id });
    return this.run.outcomes.get(id) as CommandOutcome;
  }

  /** A command that is expected to be applied. */
  does(verb: Verb, step_ref?: string, payload: CommandPayload = {}): this {
    const outcome = this.command(verb, step_ref, payload);
    if (outcome.status !== "applied") throw new Error(`${verb} was refused: ${outcome.message}`);
    return this;
  }

  index(ref: string): number {
    const i = this.run.plan.index.get(ref);
    if (i === undefined) throw new Error(`no step ${ref}`);
    return i;
  }

  get plan(): Plan {
    return this.run.plan;
  }

  state(ref: string): StepState {
    return this.run.state.steps[this.index(ref)] as StepState;
  }

  step(ref: string): StepRow {
    return stepRow(this.run, this.index(ref));
  }

  approval(ref: string) {
    return ownRows(this.run, this.index(ref)).approval;
  }

  trigger(ref: string) {
    return ownRows(this.run, this.index(ref)).trigger;
  }

  get row() {
    return runRow(this.run);
  }

  /** Every step's status by its ref. */
  get statuses(): Record<string, StepStatus> {
    return Object.fromEntries(
      this.plan.steps.map(({ step_ref }, i) => [step_ref, this.run.state.steps[i]?.status as StepStatus]),
    );
  }

  work(ref: string): Work["kind"][] {
    return workOf(this.run, this.index(ref)).map(({ kind }) => kind);
  }

  /** All that would be seen of the run, to hold before against after. */
  get everything(): string {
    return JSON.stringify(this.run.state);
  }
}

import { Agenda, type Due } from "./agenda.ts";
import { comingOf, passing, type SimulatedWork, simulatedWork } from "./coming.ts";
import { tooLarge } from "./limits.ts";
import { Trace } from "./trace.ts";
import type { World } from "./world.ts";
import { decide } from "../../workflows/engine/decide.ts";
import type { Command, Decision, RunEvent } from "../../workflows/engine/events.ts";
import { evolve } from "../../workflows/engine/evolve.ts";
import type { Run } from "../../workflows/engine/run.ts";
import { isRunOver } from "../../workflows/engine/transitions.ts";

/** Beyond the first of each step. */
const MOST_RETRIES = 10_000;
/** The last time that RFC 3339 can write. */
const END_OF_TIME = Date.UTC(9999, 11, 31);

/**
 * A run that is played to its end by the rules of all runs, on a clock of its own, in a world that is given. Nothing else is
 * read or changed.
 */
export class Simulation {
  readonly run: Run;
  readonly trace = new Trace();
  readonly world: World;
  readonly #agenda = new Agenda();
  readonly #timesOut: boolean;
  /** Changed, and not looked at yet. */
  readonly #touched = new Set<number>();
  readonly #begun = new Set<string>();
  #now: number;
  #attempts = 0;

  /** `timesOut`: what had not ended when the run did lasts longer than the run may. */
  constructor(run: Run, world: World, timesOut = false) {
    this.run = run;
    this.world = world;
    this.#now = run.state.started_at;
    this.#timesOut = timesOut;
  }

  /** To its end, or to where nothing would ever happen again. It may be left for a while wherever it yields. */
  *play(): Generator<void> {
    this.trace.began(this.run);
    this.#takeTouched();
    yield* this.#goOn();
    for (let next = this.#next(); next && !isRunOver(this.run.state.status); next = this.#next()) {
      this.#now = Math.max(this.#now, next.at);
      if (this.#now > END_OF_TIME) throw tooLarge("it does not end before the year 9999");
      const events = typeof next.event === "function" ? next.event(this.#now) : [{ ...next.event, at: this.#now }];
      for (const event of events) this.#happens(event);
      yield* this.#goOn();
    }
  }

  /** The run's time limit comes before what is due at the same moment. */
  #next(): Pick<Due, "at" | "event"> | undefined {
    const { expires_at: at } = this.run.state;
    const due = this.#agenda.first(!this.#timesOut || at === undefined);
    if (at !== undefined && (!due || at <= due.at)) return { at, event: { type: "run_expired", at } };
    if (due) this.#agenda.remove(due);
    return due;
  }

  *#goOn(): Generator<void> {
    for (let next = decide(this.run); next; next = decide(this.run)) {
      const passed = this.#passedBy(next);
      if (!passed) this.trace.decided(this.run, next);
      this.#happens({ ...(passed ?? next), at: this.#now });
      yield;
    }
    for (const i of this.#touched) {
      this.#touched.delete(i);
      this.#reconcile(i);
      yield;
    }
  }

  /** Someone passed the step over, at the latest now. */
  #passedBy(decision: Decision): Command | undefined {
    const definition = "step" in decision && this.run.plan.steps[decision.step];
    const passed = definition && this.world.outcomeOf(definition).passed;
    return passed ? passing(definition, passed) : undefined;
  }

  #happens(event: RunEvent): void {
    evolve(this.run, event);
    this.trace.heard(this.run, event);
    this.#takeTouched();
  }

  #takeTouched(): void {
    for (const i of this.run.touched) {
      this.trace.changed(this.run, i);
      this.#touched.add(i);
    }
    this.run.touched.clear();
  }

  /** What goes on for a step follows from its state, as in a run. */
  #reconcile(i: number): void {
    const wanted = new Map(simulatedWork(this.world, this.run, i).map((work) => [work.key, work]));
    for (const due of this.#agenda.of(i)) if (!wanted.has(due.key)) this.#agenda.remove(due);
    for (const [key, work] of wanted) {
      if (this.#begun.has(`${i}/${key}`)) continue;
      this.#begun.add(`${i}/${key}`);
      this.#begin(i, work);
    }
  }

  #begin(i: number, work: SimulatedWork): void {
    if (work.kind === "dispatch" && ++this.#attempts > MOST_RETRIES + this.run.plan.steps.length)
      throw tooLarge(`more than ${MOST_RETRIES} attempts of jobs fail`);
    for (const coming of comingOf(this.world, this.trace, this.run, i, work, this.#now))
      this.#agenda.enter({ ...coming, step: i, key: work.key });
  }
}

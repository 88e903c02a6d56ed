import assert from "node:assert/strict";
import { watched } from "../engine/watched.ts";
import { plain } from "./mirror-model.ts";
import { type Happening, hear, proceed } from "./reference-news.ts";
import { beginReference, nextOf, type ReferenceRun } from "./reference-run.ts";
import { engineView, referenceView } from "./views.ts";
import { decide } from "../../workflows/engine/decide.ts";
import type { RunEvent } from "../../workflows/engine/events.ts";
import { evolve } from "../../workflows/engine/evolve.ts";
import type { Plan } from "../../workflows/engine/plan.ts";
import { initialRun, type Run } from "../../workflows/engine/run.ts";

/** What nobody is shown, besides what goes on outside. */
const UNSEEN: RunEvent["type"][] = ["emitted", "values_asked", "values_found"];

/** An engine and the reference, told the same and held against each other after every event. */
export class SideBySide {
  run: Run;
  readonly #reference: ReferenceRun;
  readonly #children = new Map<string, { step: number; life: number }>();
  readonly #jobRuns = new Map<string, string>();
  #seen = "";
  #revision = 0;

  constructor(plan: Plan, kept: { step_ref: string }[]) {
    this.run = watched(initialRun(plan, kept));
    this.#reference = beginReference(plan.run, plan.steps, kept);
    this.#compare();
  }

  hear(event: RunEvent): void {
    const happening = this.#happening(event);
    evolve(this.run, event);
    if (happening) hear(this.#reference, happening);
    this.#compare(event);
    if (event.type === "command") this.#compareVerdicts(event.id);
  }

  /** A continue-as-new: the run goes on from what was carried. What was looked up was not. */
  carried(run: Run): void {
    this.run = watched(run);
    for (const step of this.#reference.steps) step.lookedUp.clear();
    this.#compare();
  }

  /** An execution began anew from the mirror: triggers that are closed are known to the mirror only. */
  reopened(run: Run): void {
    this.run = watched(run);
    for (const step of this.#reference.steps) step.trigger = undefined;
    this.#compare();
  }

  /** All that happens by itself now. */
  advance(at: number): void {
    for (;;) {
      const decision = decide(this.run);
      const next = nextOf(this.#reference);
      const { error, ...engines } = { error: undefined, ...decision };
      assert.deepEqual(decision && engines, next, "what is next");
      if (!decision || !next) return;
      const event = { ...decision, at };
      evolve(this.run, event);
      proceed(this.#reference, next, at, error);
      this.#compare(event);
    }
  }

  /** The child's name is the engine's own: what counts is which step, in which life, has begun it. */
  #happening(event: RunEvent): Happening | undefined {
    const whose = this.#children.get("child_run_id" in event ? (event.child_run_id ?? "") : "");
    if (event.type === "command") return { ...event, child: whose };
    if (event.type !== "child_ended") return event as Happening;
    return whose && { ...event, step: whose.step, generation: event.life ?? whose.life };
  }

  #compare(event?: RunEvent): void {
    const engines = engineView(this.run);
    const references = referenceView(this.#reference);
    const seen = JSON.stringify(engines);
    // Text first: it is the fast way to find nothing wrong.
    if (seen !== JSON.stringify(references))
      assert.deepEqual(plain(engines), plain(references), `after ${JSON.stringify(event)}`);
    const { revision } = this.run.state;
    assert(revision >= this.#revision);
    if (event && seen !== this.#seen && !UNSEEN.includes(event.type))
      assert(revision > this.#revision, "what is shown changed under a new revision");
    this.#seen = seen;
    this.#revision = revision;
    this.#remember();
  }

  /** Each life of a step has a job run of its own, and each child belongs to one step. */
  #remember(): void {
    for (const [step, { generation, job_run_id, child_run_id }] of this.run.state.steps.entries()) {
      const life = `${step}/${generation}`;
      if (job_run_id) assert.equal(this.#jobRuns.get(job_run_id) ?? life, life);
      if (job_run_id) this.#jobRuns.set(job_run_id, life);
      if (!child_run_id) continue;
      const born = this.#children.get(child_run_id) ?? { step, life: generation };
      assert.equal(born.step, step);
      this.#children.set(child_run_id, born);
    }
  }

  #compareVerdicts(id: string): void {
    const { status, code, reset_steps } = this.run.outcomes.get(id) ?? {};
    assert.deepEqual(plain({ status, code, reset_steps }), plain({ ...this.#reference.verdicts.get(id) }));
    assert.equal(this.run.outcomes.size, this.#reference.verdicts.size);
  }
}

import assert from "node:assert/strict";
import { BEGIN } from "../engine/plans.ts";
import { contentOf, documentOf } from "./documents.ts";
import type { MirrorModel } from "./mirror-model.ts";
import type { RunEvent } from "../../workflows/engine/events.ts";
import { stepRunId } from "../../workflows/engine/ids.ts";
import type { TriggerRow } from "../../workflows/engine/mirror/rows.ts";
import type { Run } from "../../workflows/engine/run.ts";
import type { Work } from "../../workflows/engine/steps/kind.ts";
import { isRunOver } from "../../workflows/engine/transitions.ts";
import type { Found } from "../../workflows/engine/state.ts";
import { wantedFor } from "../../workflows/engine/references/values.ts";
import { triggerId } from "../../workflows/engine/steps/trigger.ts";
import { workOf } from "../../workflows/engine/steps/work.ts";
import { follow } from "../../workflows/expressions/references.ts";

interface Going {
  step: number;
  work: Work;
  generation: number;
  attempt: number;
  /** Of the run, when the work began. */
  revision: number;
}

/** What goes on outside of a run, as workflows/run/reconciler.ts has it: it follows from the state, and ends in any order. */
export class Outside {
  now = BEGIN;
  readonly #mirror: MirrorModel;
  readonly #going = new Map<string, Going>();
  /** Cancelled, but not stopped half-way: their news still comes. */
  readonly #orphans = new Map<string, Going>();
  readonly #dispatched = new Set<string>();

  constructor(mirror: MirrorModel) {
    this.#mirror = mirror;
  }

  isIdle(): boolean {
    return this.#going.size === 0 && this.#orphans.size === 0;
  }

  /** As the Reconciler does it, by the touched steps; and then looks whether only they needed it. */
  reconcile(run: Run): void {
    const { touched, state } = run;
    for (const step of touched) {
      const wanted = new Map(workOf(run, step).map((work) => [`${step}/${work.key}`, work]));
      for (const [id, going] of this.#going) if (going.step === step && !wanted.has(id)) this.#stop(run, id, going);
      const { generation = 0, attempt = 0 } = state.steps[step] ?? {};
      for (const [id, work] of wanted) {
        if (!this.#going.has(id)) this.#begin(id, { step, work, generation, attempt, revision: state.revision });
      }
    }
    touched.clear();
    const wanted = run.plan.steps.flatMap((_, i) => workOf(run, i).map(({ key }) => `${i}/${key}`));
    assert.deepEqual(new Set(this.#going.keys()), new Set(wanted), "what goes on is what the state asks for");
  }

  #begin(id: string, going: Going): void {
    if (going.work.kind === "dispatch") {
      assert(!this.#dispatched.has(id), "one dispatch an attempt");
      this.#dispatched.add(id);
    }
    this.#going.set(id, going);
  }

  #stop(run: Run, id: string, going: Going): void {
    this.#going.delete(id);
    const { kind } = going.work;
    if (kind === "open-wait" || kind === "notify" || (kind === "child" && !run.state.steps[going.step]?.child_started))
      this.#orphans.set(id, going);
  }

  /** One piece of work ends, if there is any: which and how, `pick` says; well for 3. Timers don't end by themselves. */
  finish(run: Run, pick: number): RunEvent | undefined {
    const all = [...this.#going, ...this.#orphans].filter(([, { work }]) => work.kind !== "timer");
    const [id, going] = all[(pick >> 3) % Math.max(1, all.length)] ?? [];
    if (id === undefined || !going) return undefined;
    const stays = going.work.kind === "child" && !run.state.steps[going.step]?.child_started;
    const event = this.#newsOf(run, going, pick % 8);
    if (this.#orphans.has(id)) this.#orphans.delete(id);
    else if (!stays) this.#going.delete(id);
    return event;
  }

  /** The next timer or the run's expiry: the clock goes there. */
  nextDue(run: Run): RunEvent | undefined {
    const timers = [...this.#going].flatMap(([id, going]) =>
      going.work.kind === "timer" ? [{ id, going, until: going.work.until }] : [],
    );
    const first = timers.sort((a, b) => a.until - b.until)[0];
    const { status, expires_at } = run.state;
    if (!isRunOver(status) && expires_at !== undefined && expires_at <= (first?.until ?? expires_at)) {
      this.now = Math.max(this.now, expires_at);
      return { type: "run_expired", at: this.now };
    }
    if (!first) return undefined;
    this.now = Math.max(this.now, first.until);
    this.#going.delete(first.id);
    return this.#newsOf(run, first.going, 3);
  }

  #newsOf(run: Run, { step, work, generation, attempt, revision }: Going, how: number): RunEvent {
    const news = { at: this.now, step, generation };
    const failure = ["server", "client", "timeout", undefined, "server", "server"][how];
    switch (work.kind) {
      case "dispatch":
        if (failure === undefined) {
          const output = how > 4 ? documentOf(how, how === 7) : undefined;
          return { ...news, type: "attempt_completed", attempt, output };
        }
        return {
          ...news,
          type: "attempt_failed",
          attempt,
          class: failure,
          error: failure,
          job_max_attempts: generation % 2 ? 3 : 6,
          random: how / 8,
          retry_after_ms: attempt % 3 === 0 ? 40_000 : undefined,
          job_delay_secs: step % 3 === 1 ? attempt * 7 : undefined,
          job_ttl_secs: step % 4 === 1 ? 20 : undefined,
        };
      case "look-up": {
        const found = wantedFor(run, step).map(({ key, document, path }): [string, Found] => {
          const value = follow(path, contentOf({ ref: document }));
          return [key, value === undefined ? { nothing: true } : { text: JSON.stringify(value) }];
        });
        return { ...news, type: "values_found", found: Object.fromEntries(found) };
      }
      case "open-gate": {
        if (how === 0) return { ...news, type: "wait_refused", error: "payload.boss has no value" };
        const { approval_approvers = [], approval_options } = run.plan.steps[step] ?? {};
        const approvers = approval_approvers.map((name) => (name === "{{payload.boss}}" ? "bob" : name));
        const shown = approval_options && { shown: documentOf(how, false), shown_hash: `......${step}` };
        return { ...news, type: "gate_opened", approvers, ...shown };
      }
      case "open-wait": {
        const claim = claimOf(run, step, revision);
        // A key that the step holds itself, from before a reset, is not refused to it.
        const held = this.#mirror.triggers.get(claim.id)?.status === "waiting";
        if (how === 0 && !held) return { ...news, type: "wait_refused", error: "taken" };
        this.#mirror.claim(claim);
        return { ...news, type: "wait_opened", event_key: claim.event_key, ...(how % 2 && { notify: true }) };
      }
      case "notify":
        return { ...news, type: "notified", status: how === 0 ? "failed" : "sent" };
      case "child": {
        if (!run.state.steps[step]?.child_started) {
          return how === 0 ? { ...news, type: "child_refused", error: "disabled" } : { ...news, type: "child_started" };
        }
        const status = failure === undefined ? "completed" : "failed";
        const life = run.state.steps[step]?.child ? generation : undefined;
        return { at: this.now, type: "child_ended", child_run_id: work.child_run_id, status, life };
      }
      case "emit":
        return { ...news, type: "emitted" };
      case "timer":
        return { ...news, type: "deadline_passed", deadline: work.until };
    }
  }
}

/** The row under which openWait registers a wait. */
function claimOf({ plan, state }: Run, i: number, revision: number): TriggerRow {
  const step_run_id = stepRunId(plan.run.id, i);
  const { step_ref = "" } = plan.steps[i] ?? {};
  const { requested_at = 0, expires_at = requested_at } = state.steps[i]?.trigger ?? {};
  return {
    id: triggerId("wait_for_event", step_run_id),
    project_id: plan.run.project_id,
    event_key: `key of ${step_ref}`,
    run_id: plan.run.id,
    step_run_id,
    step_ref,
    source: "wait_for_event",
    status: "waiting",
    timeout_secs: (expires_at - requested_at) / 1000,
    requested_at,
    expires_at,
    revision,
  };
}

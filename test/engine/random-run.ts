import assert from "node:assert/strict";
import { decide } from "../../workflows/engine/decide.ts";
import type { RunEvent } from "../../workflows/engine/events.ts";
import { type Plan, planOf } from "../../workflows/engine/plan.ts";
import type { RecoveryRequest } from "../../workflows/engine/recovery.ts";
import type { MirrorRows } from "../../workflows/engine/rows.ts";
import { initialRun, mirroredState, type Run, type RunState, restoredRun } from "../../workflows/engine/state.ts";
import { isRunOver } from "../../workflows/engine/transitions.ts";
import { isMirrored, runRow, takeUnmirrored, unmirroredRows } from "../../workflows/engine/view.ts";
import type { CommandPayload, Verb } from "../../workflows/messages.ts";
import { MirrorModel, plain } from "./mirror-model.ts";
import { Outside } from "./outside.ts";
import { anyCommand, type Move } from "./random-moves.ts";
import { evolveWatched, watched } from "./watched.ts";

/** All that a run was told, in order, to tell it again: events, where nothing was left to decide, and where it was reopened. */
export type Told = RunEvent | { type: "rest" } | { type: "reopened"; state: RunState };

/** A run in a world like that of workflows/run.ts. */
export class RandomRun {
  readonly plan: Plan;
  run: Run;
  readonly told: Told[] = [];
  readonly #mirror = new MirrorModel();
  readonly #outside = new Outside(this.#mirror);
  #inFlight: MirrorRows | undefined;
  /** Generations at the last reopening: job runs that were over then are not written again. */
  #reopenedAt: number[] = [];
  #commands = 0;

  constructor(plan: Plan, completed: { step_ref: string }[]) {
    this.plan = plan;
    this.run = watched(initialRun(plan, completed));
    this.#goOn();
  }

  move({ kind, pick, hold }: Move): void {
    switch (kind) {
      case "finish":
        this.#hear(this.#outside.finish(this.run, pick));
        break;
      case "time":
        this.#hear(this.#outside.nextDue(this.run));
        break;
      case "command":
        this.#command(anyCommand(this.run, pick), pick % 17 === 0 ? "again" : undefined);
        break;
      case "again":
        this.#hear(this.#oldNews(pick));
        break;
      case "cancel":
        this.#hear({ type: "cancel_requested", at: this.#outside.now });
        break;
      case "parent":
        this.#hear({ type: "parent_closed", status: pick % 2 ? "canceled" : "timed_out", at: this.#outside.now });
        break;
      case "take":
        this.#take();
        break;
      case "arrive":
        this.#arrived();
        break;
      case "look":
        this.#mirror.write(unmirroredRows(this.run));
        break;
      case "carry":
        this.#carry();
        break;
      case "reopen":
        this.#reopen();
        break;
    }
    if (!hold) this.#goOn();
  }

  /** Lets all end that can by itself, then opens what is closed to it, until the run is over. */
  drain(): void {
    this.#goOn();
    for (let turn = 0; turn < 3000; turn++) {
      const news = this.#outside.finish(this.run, 3);
      if (news) this.#hear(news);
      else if (isRunOver(this.run.state.status)) break;
      else this.#unblock();
      this.#goOn();
    }
    assert(isRunOver(this.run.state.status), "the run hangs");
    assert(this.#outside.isIdle());
    this.#flush();
    this.#mirror.assertShows(this.run, (i) => this.run.state.steps[i]?.generation !== this.#reopenedAt[i]);
  }

  /** A run for which nothing goes on is paused, or waits for a gate or a timer. */
  #unblock(): void {
    const { status, steps } = this.run.state;
    const gate = this.plan.steps.find((_, i) => steps[i]?.approval?.status === "pending");
    if (status === "paused") this.#command({ verb: "resume", actor: "ada" });
    else if (gate) this.#command({ verb: "approve", actor: "ada", step_ref: gate.step_ref });
    else {
      const due = this.#outside.nextDue(this.run);
      assert(due, "neither work, nor gate, nor timer, and not over");
      this.#hear(due);
    }
  }

  /** Does what `request` asks, once the run rests; `told` and what is mirrored are as after any command. */
  recovers(request: RecoveryRequest, look: (run: Run, mirrored: RunState | undefined, now: number) => void): string {
    this.#goOn();
    if (isRunOver(this.run.state.status)) this.#flush();
    look(this.run, isRunOver(this.run.state.status) ? this.#mirrored() : undefined, this.#outside.now);
    if (request.verb === "retry-run") return "";
    const id = `command-${++this.#commands}`;
    this.#command({ ...request, verb: request.verb }, id);
    this.#goOn();
    return id;
  }

  #hear(event: RunEvent | undefined): void {
    if (!event) return;
    this.told.push(plain(event));
    evolveWatched(this.run, event);
  }

  #goOn(): void {
    for (let next = decide(this.run); next; next = decide(this.run)) this.#hear({ ...next, at: this.#outside.now });
    this.told.push({ type: "rest" });
    this.#outside.align(this.run);
  }

  #command(command: CommandPayload & { verb: Verb; actor: string }, id = `command-${++this.#commands}`): void {
    this.#hear({ type: "command", at: this.#outside.now, id, ...command });
  }

  #oldNews(pick: number): RunEvent | undefined {
    const news = this.told.filter((told): told is RunEvent => "generation" in told || told.type === "child_ended");
    return news[pick % Math.max(1, news.length)];
  }

  #take(): void {
    if (!this.run.mirroring && !isMirrored(this.run)) this.#inFlight = takeUnmirrored(this.run);
  }

  #arrived(): void {
    if (this.#inFlight) this.#mirror.write(this.#inFlight);
    this.#inFlight = undefined;
    this.run.mirroring = undefined;
  }

  #flush(): void {
    for (this.#arrived(); !isMirrored(this.run); this.#arrived()) this.#take();
  }

  /** A continue-as-new, between two events, whatever goes on outside. */
  #carry(): void {
    this.#flush();
    const { run, steps } = plain({ run: this.run.plan.run, steps: this.plan.steps });
    this.run = watched(restoredRun(planOf(run, steps), plain(this.run.state)));
  }

  #mirrored(): RunState {
    const { runs, steps, commands, approvals } = this.#mirror;
    const row = runs.get(this.plan.run.id) ?? runRow(this.run);
    const [rows, gates] = [[...steps.values()], [...approvals.values()]];
    return plain(mirroredState(this.plan, row, rows, [...commands.values()], gates));
  }

  /** The execution closes, and begins anew from what is mirrored. */
  #reopen(): void {
    this.#goOn();
    if (!isRunOver(this.run.state.status) || !this.#outside.isIdle()) return;
    this.#flush();
    const state = this.#mirrored();
    this.told.push({ type: "reopened", state });
    const { payload, step_payloads } = this.#mirror.runs.get(this.plan.run.id) ?? {};
    const plan = { ...this.plan, run: { ...this.plan.run, payload, step_payloads } };
    this.run = watched(restoredRun(plan, plain(state)));
    this.#reopenedAt = state.steps.map(({ generation }) => generation);
  }
}

import fc from "fast-check";
import assert from "node:assert/strict";
import { assertEnd } from "./end.ts";
import { MirrorModel, plain } from "./mirror-model.ts";
import { Outside } from "./outside.ts";
import { anyCommand, type Move, moves } from "./random-moves.ts";
import { randomPlan } from "./random-plans.ts";
import { isOver } from "./reference-run.ts";
import { SideBySide } from "./side-by-side.ts";
import type { CommandPayload, Verb } from "../../workflows/engine/command.ts";
import type { RunEvent } from "../../workflows/engine/events.ts";
import {
  hasNews,
  isMinor,
  isMirrored,
  takeBestEffort,
  takeUnmirrored,
  unmirroredRows,
} from "../../workflows/engine/mirror/mirroring.ts";
import { type Plan, planOf } from "../../workflows/engine/plan.ts";
import type { RecoveryRequest } from "../../workflows/engine/recovery/request.ts";
import type { MirrorRows } from "../../workflows/engine/mirror/rows.ts";
import { carriedState, restoredRun, type Run } from "../../workflows/engine/run.ts";
import type { RunState } from "../../workflows/engine/state.ts";
import { mirroredState } from "../../workflows/engine/mirror/stored-run.ts";
import { runRow } from "../../workflows/engine/mirror/view.ts";

/** Any run, told anything at any moment: as the reference has it after every event, ended and mirrored in the end. */
export const anyRun = fc.property(randomPlan, moves, ({ plan, completed }, all) => {
  const play = new Play(plan, completed);
  for (const move of all) play.move(move);
  play.drain();
});

/** A run in a world like that of workflows/run/run.ts. */
export class Play {
  readonly #plan: Plan;
  readonly #both: SideBySide;
  readonly #told: RunEvent[] = [];
  readonly #mirror = new MirrorModel();
  readonly #outside = new Outside(this.#mirror);
  #inFlight: MirrorRows | undefined;
  /** Generations at the last reopening: job runs that were over then are not written again. */
  #reopenedAt: number[] = [];
  #commands = 0;

  constructor(plan: Plan, completed: { step_ref: string }[]) {
    this.#plan = plan;
    this.#both = new SideBySide(plan, completed);
    this.#advance();
  }

  get run(): Run {
    return this.#both.run;
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
        this.#command(
          anyCommand(this.run, pick),
          pick % 17 === 0 ? `command-${pick % (this.#commands + 1)}` : undefined,
        );
        break;
      case "again":
        this.#hear(this.#oldNews(pick));
        break;
      case "cancel":
        if (pick % 4) this.#hear({ type: "cancel_requested", at: this.#outside.now });
        else this.#hear({ type: "ended_outside", status: "canceled", error: "terminated", at: this.#outside.now });
        break;
      case "parent":
        this.#hear({ type: "parent_closed", status: pick % 2 ? "canceled" : "timed_out", at: this.#outside.now });
        break;
      case "expiry":
        this.#hear({ type: "run_expired", at: this.#outside.now });
        break;
      case "take":
        this.#take();
        break;
      case "pass":
        this.#tellInPassing(pick % 2 === 0);
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
    if (!hold) this.#advance();
  }

  /** Lets all end that can by itself, then opens what is closed to it, until the run is over. */
  drain(): void {
    this.#advance();
    for (let turn = 0; !this.#outside.isIdle() || !isOver(this.run.state); turn++) {
      assert(turn < 3000, "the run hangs");
      const news = this.#outside.finish(this.run, 3);
      if (news) this.#hear(news);
      else this.#unblock();
      this.#advance();
    }
    assertEnd(this.#plan.steps, this.run.state, this.run.state.steps);
    this.#flush();
    this.#mirror.assertShows(this.run, (i) => this.run.state.steps[i]?.generation !== this.#reopenedAt[i]);
  }

  /** A run for which nothing goes on is paused, or waits for a gate or a timer. */
  #unblock(): void {
    const { status, steps } = this.run.state;
    const gate = this.#plan.steps.find((_, i) => steps[i]?.approval?.status === "pending");
    const endless = this.#plan.steps.find(
      ({ step_type }, i) =>
        step_type === "wait_for_event" &&
        // That of a former life of the step is canceled.
        steps[i]?.trigger?.status === "waiting" &&
        steps[i]?.deadline === undefined,
    );
    if (status === "paused") this.#command({ verb: "resume", actor: "ada" });
    else if (endless) this.#command({ verb: "send-event", actor: "ada", step_ref: endless.step_ref });
    // Whoever may decide it may be excluded, or have done so; and who has let one gate pass may be excluded from the next.
    else if (gate) {
      const actor = `root-${this.#commands}`;
      this.#command({ verb: "skip", actor, may_override: true, step_ref: gate.step_ref });
    } else {
      const due = this.#outside.nextDue(this.run);
      assert(due, "neither work, nor gate, nor timer, and not over");
      this.#hear(due);
    }
  }

  /** Does what is asked once the run rests, after a look at the run, and at what the mirror would make of it if it is over. */
  recover(request: RecoveryRequest, look: (run: Run, mirrored: RunState | undefined, now: number) => void): string {
    this.#advance();
    if (isOver(this.run.state)) this.#flush();
    look(this.run, isOver(this.run.state) ? this.#mirrored() : undefined, this.#outside.now);
    if (request.verb === "retry-run") return "";
    const id = `command-${++this.#commands}`;
    this.#command({ ...request, verb: request.verb }, id);
    this.#advance();
    return id;
  }

  #hear(event: RunEvent | undefined): void {
    if (!event) return;
    this.#told.push(event);
    this.#both.hear(event);
  }

  #advance(): void {
    this.#both.advance(this.#outside.now);
    this.#outside.reconcile(this.run);
  }

  #command(command: CommandPayload & { verb: Verb; actor: string }, id = `command-${++this.#commands}`): void {
    this.#hear({ type: "command", at: this.#outside.now, ...command, id });
  }

  #oldNews(pick: number): RunEvent | undefined {
    const news = this.#told.filter(({ type, ...event }) => "generation" in event || type === "child_ended");
    const old = news[pick % Math.max(1, news.length)];
    return old && { ...old, at: this.#outside.now };
  }

  #take(): void {
    if (!this.run.inFlight && !isMirrored(this.run)) this.#inFlight = takeUnmirrored(this.run);
  }

  /** A write that may be lost, and what it carries is known to be told again. */
  #tellInPassing(arrives: boolean): void {
    if (this.run.inFlight || !isMinor(this.run) || !hasNews(this.run)) return;
    const rows = takeBestEffort(this.run);
    if (arrives) this.#mirror.write(rows);
  }

  #arrived(): void {
    if (this.#inFlight) this.#mirror.write(this.#inFlight);
    this.#inFlight = undefined;
    this.run.inFlight = undefined;
  }

  /** All is written. */
  mirrored(): MirrorModel {
    this.#flush();
    return this.#mirror;
  }

  #flush(): void {
    for (this.#arrived(); !isMirrored(this.run); this.#arrived()) this.#take();
  }

  /** A continue-as-new, between two events, whatever goes on outside. */
  #carry(): void {
    this.#flush();
    const { run, steps } = plain(this.run.plan);
    this.#both.carried(restoredRun(planOf(run, steps), plain(carriedState(this.run.state))));
  }

  /** The execution closes, and begins anew from what is mirrored. */
  #reopen(): void {
    this.#advance();
    if (!isOver(this.run.state) || !this.#outside.isIdle()) return;
    this.#flush();
    const state = this.#mirrored();
    const { payload, step_payloads, involved } = this.#mirror.runs.get(this.#plan.run.id) ?? {};
    this.#both.reopened(
      restoredRun({ ...this.#plan, run: { ...this.#plan.run, payload, step_payloads, involved } }, state),
    );
    this.#reopenedAt = state.steps.map(({ generation }) => generation);
  }

  #mirrored(): RunState {
    const { runs, steps, commands, approvals } = this.#mirror;
    const row = runs.get(this.#plan.run.id) ?? runRow(this.run);
    return plain(mirroredState(this.#plan, row, [...steps.values()], [...commands.values()], [...approvals.values()]));
  }
}

import { workflowInfo } from "@temporalio/workflow";
import type { InboundEvent } from "../engine/events.ts";
import type { Run } from "../engine/run.ts";
import type { Heard, InboundCount, TaskState } from "../journal-types.ts";

const SIGNALS: ReadonlySet<InboundEvent["type"]> = new Set([
  "command",
  "unknown_signal",
  "child_ended",
  "parent_closed",
]);
/** What may come at any moment, and changes what everything after it does. */
const INTERFERES: ReadonlySet<InboundEvent["type"]> = new Set([...SIGNALS, "cancel_requested", "run_expired"]);

/** Events of a history that begins: the run was started, and its first workflow task scheduled and started. */
const FIRST_HISTORY_LENGTH = 3;

/** The workflow task in which the run is, and how much of what came with it the run has heard. */
export class WorkflowTask {
  /** The run's first one, tried for the first time: nothing can have been played before. */
  readonly isFresh: boolean;
  readonly news: Required<InboundCount>;
  /** How long the history was in the task before this one; 0 where there was none. */
  readonly after: number;
  /**
   * And in the one before that. Only so much is in the history for sure: what a local activity did that was handed over from one task
   * to the next is there with the end of the next.
   */
  readonly settled: number;
  readonly #length = workflowInfo().historyLength;
  #isKnown: boolean;
  #isUnrecalled = false;
  #wasCanceled: boolean;
  #heardAt: number | undefined;

  /** `before`: where the run was last; maybe in this very task. */
  constructor({ plan }: Run, before?: WorkflowTask) {
    const same = before && before.#length === this.#length ? before : undefined;
    this.news = same ? same.news : { signals: 0, others: 0, events: [] };
    this.after = same ? same.after : before ? before.#length : 0;
    this.settled = same ? same.settled : before ? before.after : 0;
    this.isFresh = before === undefined && this.#length <= FIRST_HISTORY_LENGTH;
    this.#wasCanceled = before?.wasCanceled ?? false;
    // Histories from before there was a journal have no such question in them.
    this.#isKnown = this.isFresh || !plan.run.rules || (same ? same.#isKnown : false);
  }

  get state(): TaskState {
    return {
      execution: workflowInfo().runId,
      length: this.#length,
      news: { ...this.news, events: [...this.news.events] },
    };
  }

  /**
   * Whether a try of this task that was lost may have done what is not to be done otherwise now: made calls, or shown an end that
   * what has come since would forbid.
   */
  mayRepeat(inbox: InboundEvent[], mayPlay: boolean): boolean {
    if (this.#isKnown) return false;
    return mayPlay || inbox.length > 1 || inbox.some(({ type }) => INTERFERES.has(type));
  }

  /** What a lost try has played could not be recalled: each call has to be asked for before it is made. */
  get isUnrecalled(): boolean {
    return this.#isUnrecalled;
  }

  /** The execution has heard the one cancellation that Temporal takes for it, in this task or an earlier one. */
  get wasCanceled(): boolean {
    return this.#wasCanceled;
  }

  recalled(isAnswered: boolean): void {
    this.#isKnown = true;
    this.#isUnrecalled = !isAnswered;
  }

  hears(event: InboundEvent, at: number): void {
    this.news[kindOf(event.type)]++;
    this.news.events.push(nameOf(event));
    this.#heardAt = at;
    this.#wasCanceled ||= event.type === "cancel_requested";
  }

  /** What is to be in the journal before anything that follows from it is seen. Undefined: nothing that is not there. */
  takeUnjournaled(): (Heard & TaskState) | undefined {
    const at = this.#heardAt;
    this.#heardAt = undefined;
    return at === undefined ? undefined : { began: at, ...this.state };
  }

  /** Takes out of the inbox what a try that had heard so much had heard, in that order, and the run has not yet. */
  takeHeard(inbox: InboundEvent[], heard: InboundCount): InboundEvent[] {
    const taken = heard.events ? this.#named(inbox, heard.events) : this.#first(inbox, heard);
    const isTaken = new Set(taken);
    inbox.splice(0, inbox.length, ...inbox.filter((event) => !isTaken.has(event)));
    return taken;
  }

  /** The inbox alone does not tell: what has come since may be before it there. */
  #named(inbox: InboundEvent[], heard: string[]): InboundEvent[] {
    const names: (string | undefined)[] = inbox.map(nameOf);
    return heard.slice(this.news.events.length).flatMap((name) => {
      const place = names.indexOf(name);
      if (place >= 0) names[place] = undefined;
      return inbox[place] ?? [];
    });
  }

  #first(inbox: InboundEvent[], heard: InboundCount): InboundEvent[] {
    const more = { signals: heard.signals - this.news.signals, others: heard.others - this.news.others };
    return inbox.filter(({ type }) => more[kindOf(type)]-- > 0);
  }
}

const NAMES = ["type", "id", "child_run_id", "step", "generation", "attempt", "due"];

/** Tells an event from the others that come with a workflow task. */
const nameOf = (event: InboundEvent): string => NAMES.flatMap((name) => Reflect.get(event, name) ?? []).join(" ");

const kindOf = (type: InboundEvent["type"]): "signals" | "others" => (SIGNALS.has(type) ? "signals" : "others");

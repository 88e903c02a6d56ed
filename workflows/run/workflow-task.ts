import type { NewsCount } from "../activity-types.ts";
import type { News } from "../engine/events.ts";

const SIGNALS: ReadonlySet<News["type"]> = new Set(["command", "child_ended", "parent_closed"]);

/** Events of a history that begins: the run was started, and its first workflow task scheduled and started. */
const FIRST_HISTORY_LENGTH = 3;

/** The workflow task in which the run is, and how much of what came with it the run has heard. */
export class WorkflowTask {
  /** The run's first one, tried for the first time: nothing can have been played before. */
  readonly isFresh: boolean;
  readonly news: NewsCount = { signals: 0, others: 0 };
  #isKnown: boolean;
  #isUntold = false;

  constructor(historyLength?: number) {
    this.isFresh = historyLength !== undefined && historyLength <= FIRST_HISTORY_LENGTH;
    this.#isKnown = this.isFresh;
  }

  /** What a lost try of it has played, if there was one, the run has played, too. */
  get isKnown(): boolean {
    return this.#isKnown;
  }

  /** Nobody could say what a lost try has played: each call has to be asked for before it is made. */
  get isUntold(): boolean {
    return this.#isUntold;
  }

  recalled(isTold: boolean): void {
    this.#isKnown = true;
    this.#isUntold = !isTold;
  }

  hears({ type }: News): void {
    this.news[kindOf(type)]++;
  }

  /** Takes out of the inbox what a try that had heard so much had heard, and the run has not yet. */
  takeHeard(inbox: News[], heard: NewsCount): News[] {
    const more = { signals: heard.signals - this.news.signals, others: heard.others - this.news.others };
    const taken = inbox.filter(({ type }) => more[kindOf(type)]-- > 0);
    inbox.splice(0, inbox.length, ...inbox.filter((news) => !taken.includes(news)));
    return taken;
  }
}

const kindOf = (type: News["type"]): keyof NewsCount => (SIGNALS.has(type) ? "signals" : "others");

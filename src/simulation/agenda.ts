import type { Coming } from "./coming.ts";
import { partitionPoint } from "../../workflows/engine/partition-point.ts";

/** Something that is to happen, unless it is not wanted any more by then. */
export interface Due extends Coming {
  step: number;
  /** What it comes of: more than one thing may. */
  key: string;
}

/** What is to happen, by time; of the same time, what was entered first. */
export class Agenda {
  readonly #byTime: Due[] = [];
  readonly #ofSteps = new Map<number, Set<Due>>();
  #known = 0;

  of(step: number): Due[] {
    return [...(this.#ofSteps.get(step) ?? [])];
  }

  enter(due: Due): void {
    this.#ofSteps.set(due.step, (this.#ofSteps.get(due.step) ?? new Set()).add(due));
    if (!due.isOfGuess) this.#known++;
    const place = partitionPoint(this.#byTime.length, (i) => (this.#byTime[i] as Due).at <= due.at);
    this.#byTime.splice(place, 0, due);
  }

  remove(due: Due): void {
    this.#byTime.splice(this.#byTime.indexOf(due), 1);
    this.#ofSteps.get(due.step)?.delete(due);
    if (!due.isOfGuess) this.#known--;
  }

  /** What comes next. `guesses`: whether it may be a guess. */
  first(guesses: boolean): Due | undefined {
    const mayGuess = guesses && this.#known === 0;
    return this.#byTime.find(({ isGuess }) => mayGuess || !isGuess);
  }
}

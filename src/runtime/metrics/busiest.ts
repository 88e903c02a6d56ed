import { LRUCache } from "lru-cache";

const MOST_KNOWN = 1_000;
/** What happened so long ago counts half. */
const HALF_LIFE_MS = 3_600_000;
/** Far below what a number can hold. */
const LARGEST_WEIGHT = 2 ** 500;

/** The busiest of very many, by what happened lately. Who becomes one of them takes the place of one that has become quiet. */
export class Busiest {
  readonly #most: number;
  readonly #leaves: (key: string) => void;
  readonly #now: () => number;
  readonly #scores = new LRUCache<string, number>({ max: MOST_KNOWN });
  readonly #busy = new Set<string>();
  #since: number;

  constructor(most: number, leaves: (key: string) => void, now: () => number = Date.now) {
    this.#most = most;
    this.#leaves = leaves;
    this.#now = now;
    this.#since = now();
  }

  /** Something happened with it. Whether it is one of the busiest now. */
  happens(key: string): boolean {
    const score = (this.#scores.get(key) ?? 0) + this.#weight();
    this.#scores.set(key, score);
    if (this.#busy.has(key)) return true;
    if (this.#busy.size >= this.#most) {
      const quietest = this.#quietest();
      // Twice as much, so that two of them do not take turns.
      if (score <= 2 * this.#scoreOf(quietest)) return false;
      this.#busy.delete(quietest);
      this.#leaves(quietest);
    }
    this.#busy.add(key);
    return true;
  }

  /** Instead of all scores becoming less, what happens counts more and more. */
  #weight(): number {
    const weight = 2 ** ((this.#now() - this.#since) / HALF_LIFE_MS);
    if (weight < LARGEST_WEIGHT) return weight;
    // To set one moves it, also under who goes through them.
    for (const [key, score] of [...this.#scores.entries()]) this.#scores.set(key, score / weight);
    this.#since = this.#now();
    return 1;
  }

  #scoreOf = (key: string): number => this.#scores.peek(key) ?? 0;

  #quietest(): string {
    let [quietest = ""] = this.#busy;
    for (const key of this.#busy) if (this.#scoreOf(key) < this.#scoreOf(quietest)) quietest = key;
    return quietest;
  }
}

import { type Condition, type Search, testsIn } from "./condition-parser.ts";
import { MAX_SEARCHED } from "./conditions.ts";
import { printed } from "./printed.ts";

/** Of all the patterns of a definition: instructions, which take a few microseconds each to compile. */
export const MAX_SIZE = 10_000;
/** Instructions times characters, of all the conditions of a definition that is stored: 10 to 30 nanoseconds each, all in one workflow task. */
const MAX_WORK = 2_500_000;
/** Of those that a run has: its definition may have been stored while it could have as much. */
const MAX_WORK_OF_RUN = 5_000_000;
/** Of the longest status. */
const STATUS_LENGTH = 9;

export const TOO_MUCH_WORK =
  "the regular expressions of this workflow's conditions are together too large, or have too much text to search";

/** What the patterns of a definition's conditions take, counted from its first condition on. */
export class PatternWork {
  readonly #max: number;
  #size = 0;
  #work = 0;

  constructor(of: "definition" | "run") {
    this.#max = of === "run" ? MAX_WORK_OF_RUN : MAX_WORK;
  }

  /** Whether the definition may have the patterns of this condition, too. */
  takes(condition: Condition): boolean {
    for (const { left, pattern } of patternsIn(condition)) {
      const characters = "ref" in left ? MAX_SEARCHED : "value" in left ? printed(left.value).length : STATUS_LENGTH;
      this.#size += pattern.size;
      this.#work += pattern.size * (characters + 1);
    }
    return this.#size <= MAX_SIZE && this.#work <= this.#max;
  }
}

export const patternsIn = (condition: Condition): Search[] =>
  testsIn(condition).filter((test): test is Search => test.type === "regex");

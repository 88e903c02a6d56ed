import { RE2JS } from "re2js";
import { patternSize } from "./pattern-size.ts";

/** In a text of more characters, in a JSON Schema's document, an automaton is quicker with patterns as people write them. */
const LONG = 20_000;

/** A regular expression (RE2 syntax). Nothing that it compiles to is kept: each run of a worker has its own conditions. */
export class Pattern {
  readonly source: string;
  /** About how many instructions it compiles to, known without compiling it. */
  readonly size: number;

  constructor(source: string) {
    this.source = source;
    this.size = patternSize(source);
  }

  /** What is wrong with the source, or undefined. */
  problem(): string | undefined {
    try {
      this.compile();
      return undefined;
    } catch (error) {
      return (error as Error).message;
    }
  }

  /**
   * Whether a text holds it. Throws an Error that says what is wrong with the source. RE2JS's `test` makes an automaton, of up to 8 MB,
   * which it keeps, and each new state of it takes many times as long as a step of the search that `find` makes of a text.
   */
  compile(): (text: string) => boolean {
    const compiled = RE2JS.compile(this.source);
    return (text) => (text.length > LONG ? RE2JS.compile(this.source).test(text) : compiled.matcher(text).find());
  }
}

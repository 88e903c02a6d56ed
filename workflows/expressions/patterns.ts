import { RE2JS } from "re2js";
import { patternSize } from "./pattern-size.ts";

/** A regular expression (RE2 syntax), compiled when it is used first. */
export class Pattern {
  readonly source: string;
  /** About how many instructions it compiles to, known without compiling it. */
  readonly size: number;
  #compiled: RE2JS | undefined;

  constructor(source: string) {
    this.source = source;
    this.size = patternSize(source);
  }

  /** What is wrong with the source, or undefined. */
  problem(): string | undefined {
    try {
      this.#compile();
      return undefined;
    } catch (error) {
      return (error as Error).message;
    }
  }

  isIn(text: string): boolean {
    return this.#compile().test(text);
  }

  #compile(): RE2JS {
    this.#compiled ??= RE2JS.compile(this.source);
    return this.#compiled;
  }
}

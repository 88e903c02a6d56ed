import { INLINE_LIMIT, type Json, type JsonDoc, parseJson, stringifyJson } from "../contract/json.ts";
import { foundValue } from "../rules/found-value.ts";
import type { Found } from "../../workflows/engine/state.ts";
import type { Wanted } from "../../workflows/engine/references/values.ts";

/** The documents of a simulated run. Large ones are referred to, as in a run: its rules tell them from others. */
export class Documents {
  readonly #texts: Map<string, string>;
  readonly #values = new Map<string, Json>();

  /** `stored`: the texts of those that are stored, by reference. */
  constructor(stored: Iterable<[ref: string, text: string]> = []) {
    this.#texts = new Map(stored);
  }

  keep(value: Json): JsonDoc {
    const text = stringifyJson(value);
    if (text.length <= INLINE_LIMIT) return { text };
    const ref = `simulated ${this.#texts.size}`;
    this.#texts.set(ref, text);
    this.#values.set(ref, value);
    return { ref };
  }

  textOf(document: JsonDoc): string {
    return "text" in document ? document.text : (this.#texts.get(document.ref) ?? "null");
  }

  /** Whoever is given a value must not change it. */
  readonly valueIn = (document: JsonDoc): Json => {
    if ("text" in document) return parseJson(document.text);
    const known = this.#values.get(document.ref);
    if (known !== undefined) return known;
    const value = parseJson(this.textOf(document));
    this.#values.set(document.ref, value);
    return value;
  };

  /** What the paths lead to, as a run has it looked up. */
  lookUp(wanted: Wanted[]): Record<string, Found> {
    return Object.fromEntries(
      wanted.map(({ key, document, path }) => [key, foundValue(this.valueIn({ ref: document }), path)]),
    );
  }
}

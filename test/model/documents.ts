import type { Json, JsonDoc } from "../../src/contract/json.ts";

/** A document of this number: the large ones travel by reference. */
export const documentOf = (n: number, isLarge: boolean): JsonDoc =>
  isLarge ? { ref: `large-${n}` } : { text: JSON.stringify({ n }) };

/** What is in a document, wherever it is kept. */
export function contentOf(document: JsonDoc | undefined): Json | undefined {
  if (!document) return undefined;
  return "text" in document ? (JSON.parse(document.text) as Json) : { n: Number(document.ref.split("-")[1]) };
}

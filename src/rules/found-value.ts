import { type Json, stringifyJson } from "../contract/json.ts";
import type { Found } from "../../workflows/engine/state.ts";
import { MAX_COMPARED } from "../../workflows/expressions/conditions.ts";
import { follow } from "../../workflows/expressions/references.ts";

/** What a path leads to in a large document, as a run is told it. */
export function foundValue(document: Json, path: string[]): Found {
  const value = follow(path, document);
  if (value === undefined) return { nothing: true };
  const text = stringifyJson(value);
  return text.length > MAX_COMPARED ? { size: text.length } : { text };
}

import { LRUCache } from "lru-cache";
import { JsonSchema, MOST_KEPT } from "./json-schema.ts";
import { parseJson } from "../contract/json.ts";

/** Compiled, by their text. */
const forms = new LRUCache<string, JsonSchema>({ max: 200, maxSize: MOST_KEPT });

/** What is wrong with the values that somebody fills in, as JSON text: one sentence that names the place in them, from `at` on. */
export function formMismatch(form: string, values: string, at = "values"): string | undefined {
  const compiled = forms.get(form) ?? new JsonSchema(parseJson(form));
  forms.set(form, compiled, { size: compiled.size });
  return compiled.mismatch(at, values);
}

import { z } from "zod";
import type { Json, JsonText } from "./json.ts";

// Postgres cannot store NUL in text, and lone surrogates do not survive UTF-8: both are refused at the door. The patterns are
// the document's too, which has readers that know neither \p{Cc} nor surrogates.
const without = (characters: string) => new RegExp(`^[^${characters}]*$`);
const LINE = without(String.raw`\u0000-\u001f\u007f-\u009f`);
const PROSE = without(String.raw`\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f`);
const LONE_SURROGATE = /\p{Cs}/u;
const REFUSED = "must not contain control characters or lone surrogates";

const text = (max: number, allowed: RegExp) =>
  z
    .string()
    .max(max)
    .regex(allowed, REFUSED)
    .refine((value) => !LONE_SURROGATE.test(value), REFUSED);

/** Text on one line: names, keys, ids. */
export const line = (max: number) => text(max, LINE);

/** Prose: line breaks and tabs are welcome. */
export const prose = (max: number) => text(max, PROSE);

/** A JSON document as the body parser made it, with all digits of large integers. */
export const json = z.custom<Json>((value) => value !== undefined).describe("Any JSON value.");

/** A JSON document that an answer shows. */
export const document = z.custom<Json | JsonText>((value) => value !== undefined).describe("Any JSON value.");

/** Tags that an answer shows. */
export const shownTags = z.record(z.string(), z.string());

/** A whole number that every column, timer and date downstream can hold: 68 years, in seconds. */
export const whole = z.int().min(-2_147_483_648).max(2_147_483_647);

/** An issue whose text is the answer's `error`, and not only one of its `details`. */
export const sentence = (message: string) => ({ error: message, params: { sentence: true } });

/** A whole number with a minimum, refused in the words that clients know: "max_parallel_steps must be >= 0". */
export const atLeast = (min: number, field: string) =>
  whole.refine((value) => value >= min, sentence(`${field} must be >= ${min}`)).meta({ minimum: min });

/** How many issues of one document are looked for and told. Nobody reads more. */
export const MAX_ISSUES = 20;

/**
 * An array of `min` to `max` entries. They are counted before any of them is checked, and the check stops after MAX_ISSUES issues:
 * the cost of a refusal does not grow with the size of the request.
 */
export function list<Item extends z.ZodType>(item: Item, max: number, min = 0): z.ZodArray<Item> {
  const array = z.array(item).min(min).max(max);
  const { parse } = array._zod;
  array._zod.parse = (payload, context) => {
    const given: unknown = payload.value;
    if (!Array.isArray(given) || given.length > max) return parse(payload, context);
    const taken: z.output<Item>[] = [];
    for (let i = 0; i < given.length && payload.issues.length < MAX_ISSUES; i++) {
      const entry = item._zod.run({ value: given[i], issues: [] }, context) as z.core.ParsePayload<z.output<Item>>;
      for (const issue of entry.issues) payload.issues.push({ ...issue, path: [i, ...(issue.path ?? [])] });
      taken.push(entry.value);
    }
    payload.value = taken;
    return payload;
  };
  return array;
}

/** A map of at most `max` members, which are counted before any of them is checked. `tooMany` is said if there are more. */
export const map = <Value extends z.ZodType>(value: Value, max: number, tooMany: string) =>
  z.preprocess(
    (given, context) => {
      const names = isMap(given) ? Object.keys(given) : [];
      if (names.length > max) context.addIssue({ code: "custom", message: tooMany, params: { sentence: true } });
      // zod's record would leave it out silently.
      if (names.includes("__proto__")) context.addIssue({ code: "custom", message: "must not name __proto__" });
      return given;
    },
    z.record(z.string(), value),
  );

/** Objects whose members may be null, which counts as absent. */
export const nullsCountAsAbsent = z.registry<object>();

/** An object with these members and no others. A null member counts as absent. */
export const members = <Shape extends z.core.$ZodLooseShape>(shape: Shape) =>
  z.preprocess(
    (given) => (isMap(given) ? membersOf(given, shape) : given),
    z.strictObject(shape).register(nullsCountAsAbsent, {}),
  );

/** The members without nulls. Of the unknown ones, which may not even be null, only as many as are told. */
function membersOf(given: Record<string, unknown>, shape: object): object {
  const kept: [string, unknown][] = [];
  let unknown = 0;
  for (const name in given) {
    const isKept = Object.hasOwn(shape, name) ? given[name] !== null : ++unknown <= MAX_ISSUES;
    if (isKept) kept.push([name, given[name]]);
    // It is refused in any case.
    if (unknown > MAX_ISSUES) break;
  }
  return Object.fromEntries(kept);
}

export const isMap = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** A field that a published client sends and that has no effect here. It is named in without-effect.ts. */
export const ignored = z.unknown().optional();

/** What clients are told a field is, where zod would tell how it is read: a number, not a text of digits. */
export function shownAs<Schema extends z.ZodType>(schema: Schema, shown: z.core.JSONSchema.BaseSchema): Schema {
  schema._zod.toJSONSchema = () => ({ ...shown });
  return schema;
}

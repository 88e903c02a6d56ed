import { z } from "zod";
import { isLosslessNumber } from "lossless-json";
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

/** What is wrong with the entries of a list or a map, and what they became: no more are looked at once MAX_ISSUES issues are found. */
function checkEntries(
  item: z.core.SomeType,
  entries: Iterable<[PropertyKey, unknown]>,
  issues: z.core.$ZodRawIssue[],
  context: z.core.ParseContextInternal,
): [PropertyKey, unknown][] {
  const taken: [PropertyKey, unknown][] = [];
  for (const [key, value] of entries) {
    if (issues.length >= MAX_ISSUES) break;
    const entry = item._zod.run({ value, issues: [] }, context) as z.core.ParsePayload;
    issues.push(...z.core.util.prefixIssues(key, entry.issues));
    taken.push([key, entry.value]);
  }
  return taken;
}

// Schemas of their own, and not zod's with another `parse` put in: zod itself puts back what it knows as theirs.
const List = z.core.$constructor<z.ZodArray, z.core.$ZodArrayDef & { most: number }>("List", (schema, definition) => {
  z.ZodArray.init(schema, definition);
  const { parse } = schema._zod;
  schema._zod.parse = (payload, context) => {
    const given: unknown = payload.value;
    if (!Array.isArray(given) || given.length > definition.most) return parse(payload, context);
    payload.value = checkEntries(definition.element, given.entries(), payload.issues, context).map(
      ([, value]) => value,
    );
    return payload;
  };
});

const Entries = z.core.$constructor<z.ZodRecord<z.ZodString>>("Entries", (schema, definition) => {
  z.ZodRecord.init(schema, definition);
  const { parse } = schema._zod;
  schema._zod.parse = (payload, context) => {
    const given: unknown = payload.value;
    if (!z.core.util.isPlainObject(given)) return parse(payload, context);
    const taken = checkEntries(definition.valueType, Object.entries(given), payload.issues, context);
    payload.value = Object.fromEntries(taken);
    return payload;
  };
});

/**
 * An array of `min` to `max` entries. They are counted before any of them is checked, and the check stops after MAX_ISSUES issues:
 * the cost of a refusal does not grow with the size of the request.
 */
export const list = <Item extends z.ZodType>(item: Item, max: number, min = 0): z.ZodArray<Item> =>
  (new List({ type: "array", element: item, most: max }) as z.ZodArray<Item>).min(min).max(max);

/** A map of at most `max` members, which are counted before any of them is checked. `tooMany` is said if there are more. */
export const map = <Value extends z.ZodType>(value: Value, max: number, tooMany: string) =>
  z.preprocess(
    (given, context) => {
      const names = isMap(given) ? Object.keys(given) : [];
      if (names.length > max) context.addIssue({ code: "custom", message: tooMany, params: { sentence: true } });
      // Whoever copies members one by one would lose it, silently.
      if (names.includes("__proto__")) context.addIssue({ code: "custom", message: "must not name __proto__" });
      return given;
    },
    new Entries({ type: "record", keyType: z.string(), valueType: value }) as z.ZodRecord<z.ZodString, Value>,
  );

/** Objects whose members may be null, which counts as absent. */
export const nullsCountAsAbsent = z.registry<object>();

/** An object with these members and no others. A null member counts as absent. */
export const members = <Shape extends z.core.$ZodLooseShape>(shape: Shape) =>
  z.preprocess(
    (given) => (isMap(given) ? membersOf(given, shape) : noObject(given)),
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

/** A number that keeps its text would pass for an object: it becomes the text. */
export const noObject = (given: unknown): unknown => (isLosslessNumber(given) ? given.toString() : given);

export const isMap = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value) && !isLosslessNumber(value);

/** A field that a published client sends and that has no effect here. It is named in without-effect.ts. */
export const ignored = z.unknown().optional();

/** What clients are told a field is, where zod would tell how it is read: a number, not a text of digits. */
export function shownAs<Schema extends z.ZodType>(schema: Schema, shown: z.core.JSONSchema.BaseSchema): Schema {
  schema._zod.toJSONSchema = () => ({ ...shown });
  return schema;
}

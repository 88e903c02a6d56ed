import { z } from "zod";
import type { Json } from "./json.ts";

// Postgres cannot store NUL in text, and lone surrogates do not survive UTF-8: both are refused at the door.
const FORBIDDEN = /[\p{Cc}\p{Cs}]/u;
const FORBIDDEN_IN_PROSE = /(?![\t\n\r])[\p{Cc}\p{Cs}]/u;

const text = (max: number, forbidden: RegExp) =>
  z
    .string()
    .max(max)
    .refine((value) => !forbidden.test(value), "must not contain control characters or lone surrogates");

/** Text on one line: names, keys, ids. */
export const line = (max: number) => text(max, FORBIDDEN);

/** Prose: line breaks and tabs are welcome. */
export const prose = (max: number) => text(max, FORBIDDEN_IN_PROSE);

/** A JSON document: whatever the body parser made, digits of large integers included. */
export const json = z.custom<Json>((value) => value !== undefined);

/** A whole number that every column, timer and date downstream can hold: 68 years, in seconds. */
export const whole = z.int().min(-2_147_483_648).max(2_147_483_647);

/** An issue whose text is the whole `error` of the answer, not only one of its `details`. */
export const sentence = (message: string) => ({ error: message, params: { sentence: true } });

/** A whole number with a minimum that the reference has words for: "max_parallel_steps must be >= 0". */
export const atLeast = (min: number, field: string) =>
  whole.refine((value) => value >= min, sentence(`${field} must be >= ${min}`));

/** An object with these members and no others. A null member says the same as an absent one (contract §1). */
export const members = <Shape extends z.core.$ZodLooseShape>(shape: Shape) =>
  z.preprocess(withoutNulls, z.strictObject(shape));

function withoutNulls(value: unknown): unknown {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return value;
  return Object.fromEntries(Object.entries(value).filter(([, member]) => member !== null));
}

/** A field that a published client sends and that means nothing here: it is named in without-effect.ts. */
export const ignored = z.unknown().optional();

import type { Json } from "../../src/contract/json.ts";
import { membersOf, printed, quoted } from "./printed.ts";

const isNumber = (value: Json): value is number | bigint => typeof value === "number" || typeof value === "bigint";

/** Equal by JSON type and value: 1 is 1.0, and is not "1". */
export function isSame(a: Json, b: Json): boolean {
  if (isNumber(a) && isNumber(b)) return !(a < b) && !(a > b);
  if (typeof a !== "object" || typeof b !== "object" || a === null || b === null) return a === b;
  if (Array.isArray(a) || Array.isArray(b)) {
    if (!Array.isArray(a) || !Array.isArray(b)) return false;
    return a.length === b.length && a.every((item, i) => isSame(item, b[i] as Json));
  }
  const [all, others] = [membersOf(a), membersOf(b)];
  if (!all || !others || Object.keys(all).length !== Object.keys(others).length) return false;
  return Object.entries(all).every(([name, one]) => Object.hasOwn(others, name) && isSame(one, others[name] as Json));
}

/** Text holds text, a list its items. */
export function holdsWithin(all: Json, one: Json): boolean {
  if (typeof all === "string") return typeof one === "string" && all.includes(one);
  return Array.isArray(all) && all.some((item) => isSame(item, one));
}

/** Below 0 where `a` comes first, 0 where neither does; undefined unless they are two numbers or two times. */
export function orderOf(a: Json, b: Json): number | undefined {
  if (isNumber(a) && isNumber(b)) return a < b ? -1 : a > b ? 1 : 0;
  const [first, second] = [timeOf(a), timeOf(b)];
  if (!first || !second) return undefined;
  if (first.ms !== second.ms) return first.ms - second.ms;
  const digits = Math.max(first.fraction.length, second.fraction.length);
  const [x, y] = [first.fraction.padEnd(digits, "0"), second.fraction.padEnd(digits, "0")];
  return x < y ? -1 : x > y ? 1 : 0;
}

export const hasOrder = (value: Json): boolean => isNumber(value) || timeOf(value) !== undefined;

const RFC3339 = /^(\d{4}-\d\d-\d\d)[Tt ](\d\d:\d\d:\d\d)(?:\.(\d{1,30}))?([Zz]|[+-]\d\d:\d\d)$/;

/** Of the whole seconds; the digits after them are kept, however many. */
function timeOf(value: Json): { ms: number; fraction: string } | undefined {
  const [, day, time, fraction = "", zone] = (typeof value === "string" && RFC3339.exec(value)) || [];
  if (day === undefined || zone === undefined) return undefined;
  const ms = Date.parse(`${day}T${time}${zone.toUpperCase()}`);
  const days = Date.parse(`${day}T00:00:00Z`);
  // There is no 31st of April.
  if (Number.isNaN(ms) || Number.isNaN(days) || new Date(days).toISOString().slice(0, 10) !== day) return undefined;
  return { ms, fraction };
}

/** A value in a message: what type it has, and the value where that is short. */
export function described(value: Json): string {
  if (value === null) return "null";
  if (Array.isArray(value)) return "an array";
  if (typeof value === "object") return "an object";
  if (typeof value === "string") return `the string ${quoted(value)}`;
  return typeof value === "boolean" ? printed(value) : `the number ${printed(value)}`;
}

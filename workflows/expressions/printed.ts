import { isLosslessNumber, stringify } from "lossless-json";
import type { Json } from "../../src/contract/json.ts";

/** A value as text: a string as it is, anything else as its JSON, with every digit of its numbers. */
export function printed(value: Json): string {
  return typeof value === "string" ? value : (stringify(value) ?? "");
}

/** Text of a caller's own making inside a message: quoted, escaped, and cut where it would drown the message. */
export function quoted(text: string): string {
  return JSON.stringify(text.length > 128 ? `${text.slice(0, 128)}…` : text);
}

/** Null for what is no object: an array, and a number that keeps its text, are none. */
export const membersOf = (value: Json | undefined): { [key: string]: Json } | null =>
  typeof value === "object" && value !== null && !Array.isArray(value) && !isLosslessNumber(value) ? value : null;

/** How deep a document may nest where it is walked by recursion. */
export const MAX_LEVELS = 64;

/** Looks no deeper than the limit, so that it is safe on what may be too deep. */
export function nestsDeeperThan(levels: number, value: Json | undefined): boolean {
  if (typeof value !== "object" || value === null || isLosslessNumber(value)) return false;
  if (levels === 0) return true;
  return Object.values(value).some((member) => nestsDeeperThan(levels - 1, member));
}

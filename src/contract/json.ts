import { parse, stringify } from "lossless-json";

/** Any JSON value. An integer beyond 2^53 is a bigint, so that no digit of a payload is lost. */
export type Json = null | boolean | number | bigint | string | Json[] | { [key: string]: Json };

/**
 * A JSON document on its way through the system: its text, or, when it is larger than INLINE_LIMIT,
 * the id of the row of `documents` that holds the text. Workflows carry documents and never look into them.
 */
export type JsonDoc = { text: string } | { ref: string };

/** Longest JSON text, in characters, that travels inside a workflow's history. Longer ones travel by reference. */
export const INLINE_LIMIT = 1024;

// Only these can lose something in a JavaScript number: sixteen digits in a row, or a large exponent.
const MAY_LOSE = /\d{16}|\d[eE][+-]?\d/;

const exactNumber = (text: string): number | bigint => {
  const value = Number(text);
  if (!Number.isFinite(value) && !/^-?\d+$/.test(text)) throw new SyntaxError("a number beyond what a double can hold");
  return Number.isSafeInteger(value) || !/^-?\d+$/.test(text) ? value : BigInt(text);
};

/** Parses JSON text without losing digits of integers. Throws SyntaxError. */
export function parseJson(text: string): Json {
  const native = JSON.parse(text) as Json;
  return MAY_LOSE.test(text) ? (parse(text, undefined, exactNumber) as Json) : native;
}

/** The inverse of parseJson; leaves out object members that are undefined. */
export function stringifyJson(value: unknown): string {
  try {
    return JSON.stringify(value) ?? "null";
  } catch (error) {
    // Somewhere in it is a bigint. Few have one, and the engine's own is several times as quick.
    if (error instanceof TypeError) return stringify(value) ?? "null";
    throw error;
  }
}

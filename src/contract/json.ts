import { parse } from "lossless-json";

/** Any JSON value. An integer beyond 2^53 is a bigint, so that no digit of a payload is lost. */
export type Json = null | boolean | number | bigint | string | Json[] | { [key: string]: Json };

/**
 * A JSON document on its way through the system: its text, or, when it is larger than INLINE_LIMIT,
 * the id of the row of `documents` that holds the text. Workflows carry such a document and can't look into it: of a
 * template, `reads` are the steps whose outputs it names.
 */
export type JsonDoc = { text: string } | { ref: string; reads?: string[] };

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

/** JSON text that only passes through: nobody looks into it, so nobody parses it. */
export class JsonText {
  readonly text: string;
  constructor(text: string) {
    this.text = text;
  }
}

/** The inverse of parseJson, also of what holds JsonText; leaves out object members that are undefined. */
export function stringifyJson(value: unknown): string {
  if (typeof value === "string") return quoted(value);
  if (typeof value === "number") return Number.isFinite(value) ? String(value) : "null";
  if (typeof value !== "object" || value === null) return String(value ?? null);
  if (value instanceof JsonText) return value.text;
  if (Array.isArray(value)) return `[${value.map(stringifyJson).join(",")}]`;
  let text = "{";
  for (const name in value) {
    const member = (value as Record<string, unknown>)[name];
    if (member === undefined) continue;
    if (text !== "{") text += ",";
    text += nameOf(name) + stringifyJson(member);
  }
  return `${text}}`;
}

// Neither control characters, quotation marks, backslashes nor surrogates.
const PLAIN = /^[ !#-[\]-\ud7ff\ue000-\uffff]*$/;

/** To ask first whether anything has to be escaped takes a third of the time of JSON.stringify. */
const quoted = (text: string): string => (PLAIN.test(text) ? `"${text}"` : JSON.stringify(text));

const names = new Map<string, string>();

/** A member's name, which is one of the same few again and again: of a list's page, half of what is to be quoted. */
function nameOf(name: string): string {
  const known = names.get(name);
  if (known !== undefined) return known;
  const text = `${quoted(name)}:`;
  // A client's payload may have any number of names of any length.
  if (name.length > 64) return text;
  if (names.size >= 1_000) names.clear();
  names.set(name, text);
  return text;
}

import { isLosslessNumber, LosslessNumber } from "lossless-json";
import { parseExact } from "./exact-json.ts";

/**
 * Any JSON value. An integer beyond 2^53 is a bigint, and any other number that a double would change (more digits than
 * it has, an exponent beyond it) keeps its text, so that no digit of a payload is lost.
 */
export type Json = null | boolean | number | bigint | LosslessNumber | string | Json[] | { [key: string]: Json };

/**
 * A JSON document on its way through the system: its text, or, when it is larger than INLINE_LIMIT,
 * the id of the row of `documents` that holds the text. Workflows carry such a document and can't look into it: of a
 * template, `reads` are the steps whose outputs it names.
 */
export type JsonDoc = { text: string } | { ref: string; reads?: string[] };

/** A document for a plan, which stores none: one that a run could not look into is not looked into here. */
export function unstored(value: Json): JsonDoc {
  const text = stringifyJson(value);
  return text.length > INLINE_LIMIT ? { ref: "not stored" } : { text };
}

/** Longest JSON text, in characters, that travels inside a workflow's history. Longer ones travel by reference. */
export const INLINE_LIMIT = 1024;

// Only such numbers can lose something as a JavaScript number: sixteen digits in a row, perhaps around a point, or an exponent.
const MAY_LOSE = /\d{16}|[\d.]{17}|\d[eE][+-]?\d/;

const INTEGER = /^-?\d+$/;
/** With more digits, BigInt would take longer than a request may. */
const MOST_DIGITS = 1_000;

/** A number of so few characters has no more digits than a double keeps. */
const KEPT = 15;
/** There is one way to write a decimal so. */
const PLAIN_DECIMAL = /^-?\d+\.\d*[1-9]$/;
/** Near the ends of its range, a double keeps fewer digits. */
const isUsual = (value: number): boolean => Math.abs(value) > 1e-307 && Math.abs(value) < 1e308;

function exactNumber(text: string): number | bigint | LosslessNumber {
  const value = Number(text);
  if (text.length <= KEPT && isUsual(value)) return value;
  if (INTEGER.test(text) && text.length <= MOST_DIGITS) return Number.isSafeInteger(value) ? value : BigInt(text);
  if (value === 0) return /^[^eE]*[1-9]/.test(text) ? new LosslessNumber(text) : value;
  const printed = String(value);
  if (printed === text) return value;
  const hasOtherForms = isUsual(value) && !(PLAIN_DECIMAL.test(text) && PLAIN_DECIMAL.test(printed));
  return hasOtherForms && decimalOf(text) === decimalOf(printed) ? value : new LosslessNumber(text);
}

/** The same text for all ways of writing a decimal: 1.50 and 15e-1 are the same as 1.5, but 0.30000000000000000001 is not 0.3. */
function decimalOf(text: string): string {
  const [mantissa = "", exponent = "0"] = text.replace("-", "").toLowerCase().split("e");
  const [whole = "", fraction = ""] = mantissa.split(".");
  const digits = whole + fraction;
  let from = 0;
  let to = digits.length;
  while (digits[from] === "0") from++;
  while (to > from && digits[to - 1] === "0") to--;
  return from === to ? "0" : `${digits.slice(from, to)}e${Number(exponent) - fraction.length + digits.length - to}`;
}

/** JSON that is not taken from a client. */
export class RefusedNumber extends SyntaxError {}
class NumberBeyondDouble extends RefusedNumber {
  override message = "a number beyond what a double can hold";
}
class TooManyDigits extends RefusedNumber {
  override message = `more than ${MOST_BEYOND_DOUBLES} numbers with more digits than a double keeps`;
}

/** Refuses a number that most readers would take for infinite: what one client sends, others read. */
function finiteNumber(text: string): number | bigint | LosslessNumber {
  if (!Number.isFinite(Number(text)) && !INTEGER.test(text)) throw new NumberBeyondDouble();
  return exactNumber(text);
}

const parseWith = (numberOf: (text: string) => Json, text: string): Json =>
  (MAY_LOSE.test(text) ? parseExact(text, numberOf) : JSON.parse(text)) as Json;

/** Parses JSON text without losing digits of numbers. Throws SyntaxError. */
export const parseJson = (text: string): Json => parseWith(exactNumber, text);

/** More of them than a MiB of long integers has. Each takes some microseconds, and a few characters may be one. */
const MOST_BEYOND_DOUBLES = 65_536;

/** parseJson for what a client sends. Throws SyntaxError also for a number beyond a double's range, and for too many with more digits. */
export function parseClientJson(text: string): Json {
  let beyond = 0;
  const numberOf = (digits: string) => {
    const number = finiteNumber(digits);
    if (typeof number !== "number" && ++beyond > MOST_BEYOND_DOUBLES) throw new TooManyDigits();
    return number;
  };
  return parseWith(numberOf, text);
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
  if (isLosslessNumber(value)) return value.value;
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

/** Asking first whether anything has to be escaped takes a third of the time of JSON.stringify. */
const quoted = (text: string): string => (PLAIN.test(text) ? `"${text}"` : JSON.stringify(text));

const names = new Map<string, string>();

/** The quoted name of a member. The same few names come again and again: they are half of what a list's page has to quote. */
function nameOf(name: string): string {
  const known = names.get(name);
  if (known !== undefined) return known;
  const text = `${quoted(name)}:`;
  // Only short ones are kept: a client's payload may have any names.
  if (name.length > 64) return text;
  if (names.size >= 1_000) names.clear();
  names.set(name, text);
  return text;
}

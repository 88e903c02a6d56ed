import { randomBytes } from "node:crypto";

const QUOTE = 34;
const BACKSLASH = 92;

/** Where the string that begins at `start` ends: the place of its closing quote, or the text's end. Looks at each character once. */
export function endOfString(text: string, start: number): number {
  for (let i = start + 1; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code === BACKSLASH) i++;
    else if (code === QUOTE) return i;
  }
  return text.length;
}

/** Stands for a number while JSON.parse does the rest. Each process makes its own, so that no document holds it. */
const MARK = randomBytes(9).toString("base64url");

// A double holds any number of fifteen digits. It may not hold one with more digits or an exponent.
const SAFE_LENGTH = 15;
const LETTER = 64;
const NUMBER = /^-?(0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?$/;
const COLON_NEXT = /[ \t\r\n]*:/y;

/**
 * Parses JSON text; `numberOf` says what becomes of each number that a double may not hold: the number that JavaScript reads there,
 * or something else. JSON.parse does nearly all of it: a parser in JavaScript takes five to twenty times as long. Throws SyntaxError.
 */
export function parseExact(text: string, numberOf: (text: string) => unknown): unknown {
  const parts: string[] = [];
  const numbers: unknown[] = [];
  let from = 0;
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code === QUOTE) i = endOfString(text, i);
    else if (isOfNumber(code)) {
      const start = i;
      // Only an exponent has a letter.
      let hasExponent = false;
      for (let next = text.charCodeAt(i + 1); isOfNumber(next); next = text.charCodeAt(++i + 1))
        hasExponent ||= next > LETTER;
      if (i - start < SAFE_LENGTH && !hasExponent) continue;
      const number = text.slice(start, i + 1);
      // JSON.parse refuses what is no number, or stands where a name should.
      if (!NUMBER.test(number) || isBeforeColon(text, i + 1)) continue;
      const value = numberOf(number);
      // JSON.parse makes the same of it.
      if (typeof value === "number") continue;
      parts.push(text.slice(from, start), `"${MARK}${numbers.length}"`);
      numbers.push(value);
      from = i + 1;
    }
  }
  if (numbers.length === 0) return JSON.parse(text);
  parts.push(text.slice(from));
  return withNumbers(JSON.parse(parts.join("")), numbers);
}

function isBeforeColon(text: string, at: number): boolean {
  COLON_NEXT.lastIndex = at;
  return COLON_NEXT.test(text);
}

/** A digit, a sign, a point or an exponent. The "e" of true and false stands alone, and is short. */
function isOfNumber(code: number): boolean {
  return (code >= 48 && code <= 57) || code === 45 || code === 46 || code === 43 || code === 69 || code === 101;
}

type Container = unknown[] | Record<string, unknown>;

/** Puts the numbers where their marks are. Without recursion: the answers of endpoints may be nested to any depth. */
function withNumbers(document: unknown, numbers: unknown[]): unknown {
  const whole = [document];
  const restored = (value: unknown): unknown => {
    if (typeof value === "object" && value !== null) open.push(value as Container);
    return typeof value === "string" && value.startsWith(MARK) ? numbers[Number(value.slice(MARK.length))] : value;
  };
  const open: Container[] = [whole];
  for (let container = open.pop(); container !== undefined; container = open.pop()) {
    if (Array.isArray(container)) for (let i = 0; i < container.length; i++) container[i] = restored(container[i]);
    else
      for (const name of Object.keys(container)) {
        const member = container[name];
        const value = restored(member);
        // Writing unchanged members would take half of the time.
        if (value !== member) container[name] = value;
      }
  }
  return whole[0];
}

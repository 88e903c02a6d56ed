import { parse, type ParseOptions } from "lossless-json";
import type { Json } from "../../src/contract/json.ts";

/** As JSON.parse has it. An endpoint may name a member twice, and its answer is kept as it was written. */
const LAST_COUNTS: ParseOptions = { parseNumber: numberOf, onDuplicateKey: ({ newValue }) => newValue };

/** The value of a stored document's text, with every digit of a large integer. */
export function parsed(json: string): Json {
  return /\d{16}/.test(json) ? (parse(json, undefined, LAST_COUNTS) as Json) : (JSON.parse(json) as Json);
}

function numberOf(digits: string): number | bigint {
  const value = Number(digits);
  return Number.isSafeInteger(value) || !/^-?\d+$/.test(digits) ? value : BigInt(digits);
}

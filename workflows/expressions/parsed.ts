import { parse } from "lossless-json";
import type { Json } from "../../src/contract/json.ts";

/** The value of a stored document's text, with every digit of a large integer. */
export function parsed(json: string): Json {
  return /\d{16}/.test(json) ? (parse(json, undefined, numberOf) as Json) : (JSON.parse(json) as Json);
}

function numberOf(digits: string): number | bigint {
  const value = Number(digits);
  return Number.isSafeInteger(value) || !/^-?\d+$/.test(digits) ? value : BigInt(digits);
}

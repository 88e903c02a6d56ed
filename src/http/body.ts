import express, { type RequestHandler } from "express";
import { takeRoom, takeRoomAsItComes } from "./requests/room.ts";
import type { Config } from "../config.ts";
import { endOfString } from "../contract/exact-json.ts";
import { type Json, RefusedNumber, parseClientJson } from "../contract/json.ts";
import { Problem } from "../errors.ts";

const MAX_BYTES = 1_048_576;
/** Of a body with the steps of a workflow: 1 KiB a step, and so 1 MiB, as any body may have, for the usual 1,000. */
export const stepsBytes = ({ maxSteps }: Config): number => Math.max(1_024, maxSteps) * 1_024;
const MAX_DEPTH = 200;
const MAX_DIGITS = 1_000;
/** No body of 1 MiB has more. To make and to check so many takes longer than to read their text. */
const MAX_VALUES = 524_288;

/** Whatever its Content-Type says, which clients get wrong, a body is bytes until a route asks for its JSON. */
export function rawBody(limit = MAX_BYTES): RequestHandler {
  const read = express.raw({ type: () => true, limit });
  return (request, response, next) => {
    const { "content-length": length = 0, "content-encoding": packed = "identity" } = request.headers;
    // Unpacked, it may be as large as any. More than the limit is refused before it is read.
    if (packed !== "identity") takeRoom(request, response, limit);
    else if (request.headers["transfer-encoding"] !== undefined) takeRoomAsItComes(request, response, limit);
    else if (Number(length) <= limit) takeRoom(request, response, Number(length));
    read(request, response, next);
  };
}

export const sizeOf = (body: unknown): number => (Buffer.isBuffer(body) ? body.length : 0);

/** The JSON of a body, undefined if it is empty. */
export function jsonOf(body: unknown): Json | undefined {
  if (!Buffer.isBuffer(body)) return undefined;
  const text = textOf(body);
  if (text.trim() === "") return undefined;
  // Storing and answering JSON recurse, and a number of a million digits takes a second: both are bounded before any of it.
  const excess = excessOf(text);
  if (excess !== undefined) throw invalidBody(excess);
  try {
    return parseClientJson(text);
  } catch (error) {
    throw invalidBody(error instanceof RefusedNumber ? error.message : "malformed JSON");
  }
}

function textOf(body: Buffer): string {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(body);
  } catch {
    throw invalidBody("not UTF-8");
  }
}

/** What makes a document too much to parse, if anything does. Looks at each character once, whatever the text is. */
function excessOf(text: string): string | undefined {
  let depth = 0;
  let digits = 0;
  let values = 0;
  for (let i = 0; i < text.length; i++) {
    const character = text[i] as string;
    digits = character >= "0" && character <= "9" ? digits + 1 : 0;
    if (character === '"') i = endOfString(text, i);
    else if (character === "[" || character === "{") depth++;
    else if (character === "]" || character === "}") depth--;
    else if (character === ",") values++;
    if (depth > MAX_DEPTH) return `nested deeper than ${MAX_DEPTH} levels`;
    if (digits > MAX_DIGITS) return `a number of more than ${MAX_DIGITS} digits`;
    if (values > MAX_VALUES) return `more than ${MAX_VALUES} values`;
  }
  return undefined;
}

const invalidBody = (detail: string) => new Problem("validation_error", "invalid request body", [`body: ${detail}`]);

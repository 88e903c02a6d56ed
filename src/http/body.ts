import express from "express";
import { type Json, parseClientJson } from "../contract/json.ts";
import { Problem } from "../errors.ts";

const MAX_BYTES = 1_048_576;
const MAX_DEPTH = 200;

/** Whatever its Content-Type says (contract §1: it is not checked), a body is bytes until a route asks for its JSON. */
export const rawBody = (limit = MAX_BYTES) => express.raw({ type: () => true, limit });

/** The JSON of a body, undefined if it is empty. */
export function jsonOf(body: unknown): Json | undefined {
  if (!Buffer.isBuffer(body)) return undefined;
  const text = textOf(body);
  if (text.trim() === "") return undefined;
  // Parsing, storing and answering JSON recurse: depth has to be bounded before any of them.
  if (nestsDeeper(text)) throw invalidBody(`nested deeper than ${MAX_DEPTH} levels`);
  try {
    return parseClientJson(text);
  } catch {
    throw invalidBody("malformed JSON");
  }
}

function textOf(body: Buffer): string {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(body);
  } catch {
    throw invalidBody("not UTF-8");
  }
}

function nestsDeeper(text: string): boolean {
  let depth = 0;
  for (const [token] of text.matchAll(/"(?:[^"\\]|\\.)*"|[[{]|[\]}]/g)) {
    if (token === "[" || token === "{") depth++;
    else if (token === "]" || token === "}") depth--;
    if (depth > MAX_DEPTH) return true;
  }
  return false;
}

const invalidBody = (detail: string) => new Problem("validation_error", "invalid request body", [`body: ${detail}`]);

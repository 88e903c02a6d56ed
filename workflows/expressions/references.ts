import type { Json } from "../../src/contract/json.ts";
import { membersOf, quoted } from "./printed.ts";

/** Text that is no reference; the message says which text, and why. */
export class InvalidReference extends Error {}

/** It does not look like one at all. */
export class NoReference extends InvalidReference {}

export type Root = "payload" | "outputs" | "parent_outputs" | "run";

/** A path from a root, as in `outputs.fetch.items[0].id`. */
export interface Reference {
  /** For messages: as it was written, a bare first word under its root. */
  name: string;
  root: Root;
  path: string[];
  /** How many of the path's first words were joined by dots: the name of a step may have dots itself, see `stepOf`. */
  words: number;
  /** It ends in `?` and may have no value. */
  optional: boolean;
}

const ROOTS: readonly string[] = ["payload", "outputs", "parent_outputs", "run"];
/** Of a for-each step, which there is none of yet. */
const ROOTS_OF_A_LOOP: readonly string[] = ["item", "index"];
const RUN_MEMBERS: readonly string[] = ["id", "workflow_id", "created_by", "attempt"];

const WORD = /[\p{L}\p{M}\p{Nd}_$:-]+/uy;
const DOT_WORD = /\.([\p{L}\p{M}\p{Nd}_$:-]+)/uy;
const INDEX = /\[(\d+)\]/y;
const QUOTED = /\[("(?:[^"\\]|\\.)*")\]/y;

const MAX_REFERENCE = 1024;
const MAX_PATH = 64;
/** Of a step. */
const LONGEST_NAME = 128;

/** The text is a reference and nothing else. Throws InvalidReference. */
export function parseReference(text: string): Reference {
  const trimmed = text.trim();
  const { reference, end } = readReference(trimmed, 0);
  if (end !== trimmed.length) throw new InvalidReference(`${quoted(text)} is not a reference`);
  return reference;
}

/** The reference that begins there, and where it ends. Throws InvalidReference. */
export function readReference(text: string, begin: number): { reference: Reference; end: number } {
  let at = begin;
  const next = (token: RegExp): string | undefined => {
    token.lastIndex = at;
    const found = token.exec(text);
    if (found) at = token.lastIndex;
    return found ? (found[1] ?? found[0]) : undefined;
  };
  const first = next(WORD);
  if (first === undefined) throw new NoReference(`${excerpt(text, begin)} is not a reference`);
  const path: string[] = [];
  let words = 0;
  for (;;) {
    const word = next(DOT_WORD);
    const member = word ?? next(INDEX) ?? nameIn(next(QUOTED));
    if (member === undefined) break;
    if (word !== undefined && words === path.length) words++;
    path.push(member);
    if (path.length > MAX_PATH || at - begin > MAX_REFERENCE)
      throw new InvalidReference(`${excerpt(text, begin)} is longer than a reference may be`);
  }
  const written = text.slice(begin, at);
  const optional = text[at] === "?";
  return { reference: rooted(first, path, words, written, optional), end: optional ? at + 1 : at };
}

function rooted(first: string, path: string[], words: number, written: string, optional: boolean): Reference {
  if (ROOTS_OF_A_LOOP.includes(first))
    throw new InvalidReference(
      `${quoted(written)}: ${quoted(first)} exists only within a for-each; a member of the payload is payload.${first}`,
    );
  if (!ROOTS.includes(first)) {
    // The bare name of a member of the payload.
    return { name: `payload.${written}`, root: "payload", path: [first, ...path], words: words + 1, optional };
  }
  if ((first === "outputs" || first === "parent_outputs") && path.length === 0)
    throw new InvalidReference(`${quoted(first)} needs the name of a step, like ${first}.build`);
  if (first === "run" && !(path.length === 1 && RUN_MEMBERS.includes(path[0] as string)))
    throw new InvalidReference(`${quoted(written)}: run has the members ${RUN_MEMBERS.join(", ")}`);
  return { name: written, root: first as Root, path, words, optional };
}

function nameIn(json: string | undefined): string | undefined {
  if (json === undefined) return undefined;
  try {
    return JSON.parse(json) as string;
  } catch {
    throw new InvalidReference(`[${json.slice(0, 128)}] is not a name in quotes`);
  }
}

const excerpt = (text: string, begin: number): string => quoted(text.slice(begin, begin + 129).split("}}")[0] ?? "");

/**
 * The step whose output is meant, and the path within that. With dots alone, the longest name of a step: of the steps
 * `build` and `build.js`, `outputs.build.js` is the latter, and `outputs["build"].js` the former.
 */
export function stepOf(
  { path, words }: Reference,
  isStep: (ref: string) => boolean,
): { step: string; path: string[] } | undefined {
  let step = path[0] as string;
  let found = isStep(step) ? { step, path: path.slice(1) } : undefined;
  for (let length = 2; length <= words && step.length <= LONGEST_NAME; length++) {
    step += `.${path[length - 1]}`;
    if (isStep(step)) found = { step, path: path.slice(length) };
  }
  return found;
}

/** What the path leads to; undefined where there is nothing. Only what a document holds itself is ever found. */
export function follow(path: string[], from: Json | undefined): Json | undefined {
  let value = from;
  for (const name of path) {
    if (Array.isArray(value)) value = /^(0|[1-9]\d*)$/.test(name) ? value[Number(name)] : undefined;
    else {
      const members = membersOf(value);
      if (!members || !Object.hasOwn(members, name)) return undefined;
      value = members[name];
    }
  }
  return value;
}

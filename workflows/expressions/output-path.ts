import type { Json } from "../../src/contract/json.ts";
import { membersOf } from "./printed.ts";

/**
 * The part of gjson's path syntax that `output_transform` knows: keys joined by dots, `\` before a character that is
 * meant literally, an index into an array, `#` for an array's length, `#.rest` for the rest of the path on each element.
 */
const EACH = Symbol("#");
type Path = (string | typeof EACH)[];

const MAX_PATH = 1024;
const MAX_PARTS = 64;
const PART = /^(?:\\.|[^\\.])+/s;
const ANYWHERE = /^(?:\\.|[^\\*?|#])*$/s;
const AT_START = /^[@!{[]/;

class PathError extends Error {}

/** What is wrong with a path, or undefined. gjson's queries, modifiers, wildcards and pipes are refused, not ignored. */
export function outputPathProblem(path: string): string | undefined {
  try {
    parse(path);
    return undefined;
  } catch (error) {
    if (error instanceof PathError) return error.message;
    throw error;
  }
}

/** What the path leads to, or undefined if there is nothing. The path has no problem. */
export function applyOutputPath(path: string, value: Json): Json | undefined {
  return follow(parse(path), value);
}

function parse(path: string): Path {
  if (path.length > MAX_PATH) throw new PathError(`must be at most ${MAX_PATH} characters`);
  const parts: Path = [];
  let rest = path;
  for (;;) {
    const part = PART.exec(rest)?.[0];
    if (part === undefined) throw new PathError("must be keys joined by dots");
    parts.push(part === "#" ? EACH : key(part));
    rest = rest.slice(part.length);
    if (rest === "") break;
    if (rest[0] !== ".") throw new PathError("must not end in a backslash");
    rest = rest.slice(1);
  }
  if (parts.length > MAX_PARTS) throw new PathError(`must have at most ${MAX_PARTS} parts`);
  return parts;
}

function key(part: string): string {
  if (!ANYWHERE.test(part) || AT_START.test(part)) {
    throw new PathError("may use keys, array indexes and #; write a backslash before any other special character");
  }
  return part.replaceAll(/\\(.)/gs, "$1");
}

function follow(path: Path, from: Json): Json | undefined {
  let value: Json | undefined = from;
  for (const [i, part] of path.entries()) {
    if (part === EACH) {
      if (!Array.isArray(value)) return undefined;
      const rest = path.slice(i + 1);
      return rest.length === 0
        ? value.length
        : value.map((item) => follow(rest, item)).filter((found) => found !== undefined);
    }
    value = member(value, part);
  }
  return value;
}

function member(value: Json | undefined, key: string): Json | undefined {
  if (Array.isArray(value)) return /^\d+$/.test(key) ? value[Number(key)] : undefined;
  const members = membersOf(value);
  return members && Object.hasOwn(members, key) ? members[key] : undefined;
}

import { Ajv2020, type ErrorObject, type ValidateFunction } from "ajv/dist/2020.js";
import { uniqueItems } from "./unique-items.ts";
import { withinTime } from "./within-time.ts";
import { type Json, stringifyJson } from "../contract/json.ts";
import { nestsDeeperThan, MAX_LEVELS } from "../../workflows/expressions/printed.ts";
import { Pattern } from "../../workflows/expressions/patterns.ts";

const MAX_SCHEMA = 16_384;
/** Each takes some 0.2 ms to compile, whatever it says. */
const MAX_OBJECTS = 500;
const MAX_PATTERN = 1_000;
/** Of all patterns together, in instructions: each takes some microseconds to compile. */
const MAX_PATTERNS_SIZE = 3_000;
/** The limits of a schema leave it a fraction of that, on a machine that is not busy with other things. */
const COMPILE_WITHIN_MS = 5_000;
/** A document is checked in some milliseconds, whatever it is: what takes longer is made to take long. Patterns take longest. */
const CHECK_WITHIN_MS = 100;
const MORE_MS_PER_MIB = 250;
const MAX_TOLD = 500;
/** Of all compiled schemas of a cache, in characters. Each takes 20 to 100 bytes. */
export const MOST_KEPT = 250_000;

/** A JSON Schema (2020-12) of a client, compiled. It says nothing about what it does not hold itself: no schema is fetched. */
export class JsonSchema {
  /** Of its text, in characters. */
  readonly size: number;
  readonly #validate: ValidateFunction;

  /** Throws an Error with words for the client. */
  constructor(schema: Json) {
    const text = stringifyJson(schema);
    this.size = text.length;
    if (text.length > MAX_SCHEMA) throw new Error(`has ${text.length} characters, where ${MAX_SCHEMA} may be`);
    if (nestsDeeperThan(MAX_LEVELS, schema)) throw new Error(`nests deeper than ${MAX_LEVELS} levels`);
    const objects = Math.ceil(objectsIn(schema));
    if (objects > MAX_OBJECTS) throw new Error(`has ${objects} objects, where ${MAX_OBJECTS} may be`);
    assertMeant(JSON.parse(text));
    this.#validate = withinTime(
      COMPILE_WITHIN_MS,
      () => compiled(JSON.parse(text)),
      () => {
        throw new Error("takes too long to be compiled");
      },
    );
  }

  /** What is wrong with a JSON text, in one sentence that begins with a path from `root`; undefined where nothing is. */
  mismatch(root: string, text: string): string | undefined {
    const document: unknown = JSON.parse(text);
    try {
      return withinTime(
        CHECK_WITHIN_MS + (text.length / 1_048_576) * MORE_MS_PER_MIB,
        () => (this.#validate(document) ? undefined : told(root, this.#validate.errors ?? [])),
        () => `${root} takes too long to be checked`,
      );
    } catch (error) {
      // A schema that refers to itself without end.
      if (error instanceof RangeError) return `${root} can't be checked: the schema goes too deep`;
      throw error;
    }
  }
}

/** true and false may be schemas as well. What a `$dynamicRef` means takes twice as long to find out as other things. */
function objectsIn(value: Json): number {
  if (typeof value === "boolean") return 1 / 3;
  if (typeof value !== "object" || value === null) return 0;
  const own = Array.isArray(value) ? 0 : Object.hasOwn(value, "$dynamicRef") ? 2 : 1;
  return Object.values(value).reduce<number>((sum, member) => sum + objectsIn(member), own);
}

const OPTIONS = {
  strict: false,
  logger: false,
  validateFormats: false,
  // Nobody has sent a `constructor` by sending an object.
  ownProperties: true,
  // 19.99 is a multiple of 0.01, though not as doubles are divided.
  multipleOfPrecision: 6,
} as const;

let meta: Ajv2020 | undefined;

/** It says what the specification knows. Not within a limit of time: what is cut off while it is made stays broken. */
function assertMeant(schema: object | boolean): void {
  meta ??= new Ajv2020(OPTIONS);
  // Of a `type` the first error has the names that there are.
  if (!meta.validateSchema(ofAnyDraft(schema))) throw new Error(sentenceOf("", meta.errors?.[0]));
}

/**
 * Most of what earlier drafts say means the same. `$async` is a word of Ajv's alone: with it an answer would be a promise, which
 * lets everything through. Further inside Ajv refuses it where the whole is not so.
 */
function ofAnyDraft(schema: object | boolean): object | boolean {
  if (typeof schema === "object" && schema !== null)
    for (const word of ["$schema", "$async"]) Reflect.deleteProperty(schema, word);
  return schema;
}

/** By an instance of its own: schemas know each other by their ids where they share one, whosever they are. */
function compiled(schema: object | boolean): ValidateFunction {
  const ajv = new Ajv2020({
    ...OPTIONS,
    meta: false,
    validateSchema: false,
    // Of what is referred to twice there would be two copies, of what that refers to twice four, and so on.
    inlineRefs: false,
    // To optimize the code would take twice as long as all the rest.
    code: { regExp: patternsOfLimitedSize(), optimize: false },
  });
  ajv.removeKeyword(uniqueItems.keyword).addKeyword(uniqueItems);
  try {
    return ajv.compile(ofAnyDraft(schema));
  } catch (error) {
    if (error instanceof RangeError) throw new Error("refers to itself without end");
    throw error;
  }
}

/** RE2's: the time of a search grows with the text, and not faster. */
function patternsOfLimitedSize() {
  let size = 0;
  const regExp = (source: string) => {
    if (source.length > MAX_PATTERN) throw new Error(`a pattern has more than ${MAX_PATTERN} characters`);
    const pattern = new Pattern(source);
    size += pattern.size;
    if (size > MAX_PATTERNS_SIZE) throw new Error("the patterns are together too large");
    try {
      // Ajv knows a pattern by what it prints.
      return { test: pattern.compile(), toString: () => source };
    } catch (error) {
      throw new Error(`a pattern is not valid: ${(error as Error).message}`);
    }
  };
  // How the pattern would be made in code that is written to a file; none is.
  return Object.assign(regExp, { code: "" }) as never;
}

/** Where none of several ways fits, it is that which is told, and not why the first did not. */
const CHOICES = ["anyOf", "oneOf", "not"];

const told = (root: string, errors: ErrorObject[]): string =>
  sentenceOf(root, errors.find(({ keyword }) => CHOICES.includes(keyword)) ?? errors[0]);

function sentenceOf(root: string, error: ErrorObject | undefined): string {
  const { instancePath = "", message = "does not match", params = {} } = error ?? {};
  const path = `${root}${pathOf(instancePath)}`.replace(/^\./, "");
  return `${path} ${message}${namedIn(params)}`.trim().slice(0, MAX_TOLD);
}

/** Which member it is about, or which values there may be. */
function namedIn(params: Record<string, unknown>): string {
  const extra = params.additionalProperty ?? params.unevaluatedProperty ?? params.propertyName;
  if (typeof extra === "string") return `: ${JSON.stringify(extra)}`;
  const allowed = "allowedValue" in params ? [params.allowedValue] : params.allowedValues;
  return Array.isArray(allowed) ? `: ${allowed.map((value) => JSON.stringify(value)).join(", ")}` : "";
}

/** A JSON pointer as references are written: /lines/0/sku is .lines[0].sku */
function pathOf(pointer: string): string {
  const parts = pointer.split("/").slice(1);
  const names = parts.map((part) => part.replaceAll("~1", "/").replaceAll("~0", "~"));
  return names
    .map((name) => (/^\d+$/.test(name) ? `[${name}]` : WORD.test(name) ? `.${name}` : `["${name}"]`))
    .join("");
}

const WORD = /^[\p{L}\p{N}_-]+$/u;

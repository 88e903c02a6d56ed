import type { z } from "zod";
import { isMap, MAX_ISSUES, members } from "../contract/fields.ts";
import type { Json } from "../contract/json.ts";
import { INVALID_TIME, NOT_ONE_OF, query } from "../contract/lists/parameters.ts";
import { PATH_PARAMETERS, type PathParameter, type PathParameterName } from "../contract/path-parameters.ts";
import { dryRunBody, dryRunQuery } from "../contract/verbs.ts";
import { detailOf, Problem } from "../errors.ts";

/** A parameter that cannot be one of its kind is answered like an unknown one, and reaches neither Postgres nor Temporal. */
export function parsePath(params: Record<string, unknown>): Record<string, unknown> {
  for (const name in params) {
    const { schema, notFound }: PathParameter = PATH_PARAMETERS[name as PathParameterName];
    if (!schema.safeParse(params[name]).success) throw new Problem("not_found", notFound ?? "not found");
  }
  return params;
}

const MAX_DETAIL = 300;

/** For routes that take neither parameters nor a body. */
export const NO_QUERY = query({});
export const NO_BODY = members({});

/** Whether a plan is asked for, by `?dryRun=true` or by the body's `dry_run`, and the query and body without that. */
export function dryRunOf(given: Record<string, unknown>, json: Json | undefined) {
  const { dryRun, ...query } = given;
  const asked = parseQuery(dryRunQuery, { dryRun }).dryRun;
  if (!isMap(json) || !Object.hasOwn(json, "dry_run")) return { isDryRun: asked, query, body: json };
  const { dry_run = null, ...body } = json;
  return { isDryRun: parseBody(dryRunBody, { dry_run }).dry_run === true || asked, query, body };
}

/** An absent body counts as an empty object: many clients send none. */
export function parseBody<T>(schema: z.ZodType<T>, body: Json | undefined): T {
  const result = schema.safeParse(body ?? {}, { error: wordingOf });
  if (result.success) return result.data;
  const issues = firstOfEachField(result.error.issues);
  const details = issues.flatMap((issue) => detailsOf(issue, "body", "unknown field"));
  if (body === undefined || body === null || issues.some(isOfDecoding)) throw invalid("invalid request body", details);
  const sentence = issues.find((issue) => issue.code === "custom" && issue.params?.sentence === true);
  throw invalid(sentence?.message ?? "validation failed", details);
}

/** Entries of a list that are looked at each by itself: what is wrong with one is its own, and told as if it had come alone. */
export const parseEach = <T>(schema: z.ZodType<T>, given: Json[]): (T | Problem)[] =>
  given.map((entry) => {
    try {
      return parseBody(schema, entry);
    } catch (error) {
      if (error instanceof Problem) return error;
      throw error;
    }
  });

/** The first thing wrong with a query is the answer's `error`: "limit must be a positive integer". */
export function parseQuery<T>(schema: z.ZodType<T>, query: unknown): T {
  const result = schema.safeParse(query, { error: wordingOfQuery });
  if (result.success) return result.data;
  const [first] = result.error.issues;
  const details = result.error.issues.flatMap((issue) => {
    const hint = hintOf(issue, query);
    return detailsOf(hint === undefined ? issue : { ...issue, message: hint }, "query", "unknown parameter");
  });
  if (first?.code === "unrecognized_keys") throw invalid(`unknown query parameter ${first.keys[0]}`, details);
  throw invalid(`${pathOf(first?.path ?? [], "query")} ${first?.message}`, details);
}

/** What helps more than the words that clients know. */
function hintOf(issue: z.core.$ZodIssue, query: unknown): string | undefined {
  const given = issue.path.length === 1 ? (query as Record<PropertyKey, unknown>)[issue.path[0] ?? ""] : undefined;
  if (issue.message === INVALID_TIME && typeof given === "string" && /\d \d\d:?\d\d$/.test(given))
    return `${issue.message}: write + as %2B`;
  const values = issue.code === "custom" ? issue.params?.values : issue.code === "invalid_value" && issue.values;
  return issue.message === NOT_ONE_OF && Array.isArray(values) ? `must be one of ${values.join(", ")}` : undefined;
}

const wordingOfQuery = (issue: z.core.$ZodRawIssue) =>
  Array.isArray(issue.input) ? "must be given once" : wordingOf(issue);

/** The first issue of each field, as many as are told: a value of the wrong type may be called too short as well. */
function firstOfEachField(issues: z.core.$ZodIssue[]): z.core.$ZodIssue[] {
  const first = new Map<string, z.core.$ZodIssue>();
  for (const issue of issues) {
    if (first.size === MAX_ISSUES) break;
    const field = issue.path.join("/");
    if (!first.has(field)) first.set(field, issue);
  }
  return [...first.values()];
}

const invalid = (message: string, details: string[]) =>
  new Problem(
    "validation_error",
    message,
    details.slice(0, MAX_ISSUES).map((detail) => detail.slice(0, MAX_DETAIL)),
  );

/** A wrong type or an unknown field makes the whole body invalid for clients, whatever else is wrong. */
function isOfDecoding(issue: z.core.$ZodIssue): boolean {
  return issue.code === "unrecognized_keys" || (issue.code === "invalid_type" && issue.message !== REQUIRED);
}

function detailsOf(issue: z.core.$ZodIssue, whole: string, unknown: string): string[] {
  if (issue.code === "unrecognized_keys")
    return issue.keys.map((key) => `${pathOf([...issue.path, key], whole)}: ${unknown}`);
  return [detailOf(pathOf(issue.path, whole), issue.message)];
}

/** A field as the client wrote it: steps[2].job_id. */
function pathOf(path: PropertyKey[], whole: string): string {
  const text = path.map((key) => (typeof key === "number" ? `[${key}]` : `.${String(key)}`)).join("");
  return text.replace(/^\./, "") || whole;
}

const REQUIRED = "required";
const TYPES: Record<string, string> = {
  int: "a whole number",
  array: "an array",
  object: "an object",
  record: "an object",
};
const UNITS: Record<string, string> = { string: " characters", array: " entries" };

function wordingOf(issue: z.core.$ZodRawIssue): string | undefined {
  switch (issue.code) {
    case "invalid_type":
      return issue.input === undefined ? REQUIRED : `must be ${TYPES[issue.expected] ?? `a ${issue.expected}`}`;
    case "invalid_value":
      return `must be one of ${issue.values.join(", ")}`;
    case "too_small":
      if (issue.origin in UNITS && issue.minimum === 1) return "must not be empty";
      if (issue.origin in UNITS) return `must have at least ${issue.minimum}${UNITS[issue.origin]}`;
      return `must be >= ${issue.minimum}`;
    case "too_big":
      if (issue.origin in UNITS) return `must have at most ${issue.maximum}${UNITS[issue.origin]}`;
      return `must be <= ${issue.maximum}`;
    default:
      return undefined;
  }
}

import { STATUS_CODES } from "node:http";
import type { z } from "zod";
import { type AnswerHeader, withHeaders } from "../contract/answers/headers.ts";
import { ERROR_CODES, type ErrorCode, problem } from "../contract/answers/problem.ts";
import { HEADERS, STATUS } from "./problems.ts";
import type { Route } from "./route.ts";

const JSON_TYPE = "application/json";
export const EVENT_STREAM = "text/event-stream";

/** What a route may answer with one status. */
export interface DocumentedAnswer {
  description: string;
  mediaType: string;
  /** Any one of them. */
  schemas: z.ZodType[];
  headers: AnswerHeader[];
  /** Of a refusal. */
  codes?: ErrorCode[];
}

/** By status: what the route declares, and the refusals that follow from how it is declared. */
export function answersOf(route: Route): Map<number, DocumentedAnswer> {
  const answers = new Map<number, DocumentedAnswer>();
  for (const code of refusalsOf(route)) {
    const codes = [...(answers.get(STATUS[code])?.codes ?? []), code];
    answers.set(STATUS[code], refusal(codes));
  }
  for (const [status, schema] of Object.entries(route.returns)) answers.set(+status, success(route, +status, [schema]));
  if (route.plans) answers.set(200, planned(route, answers.get(200), route.plans));
  return answers;
}

function success({ ignores, isStreamed }: Route, status: number, schemas: z.ZodType[]): DocumentedAnswer {
  const headers = new Set(schemas.flatMap((schema) => withHeaders.get(schema)?.headers ?? []));
  if (status === 201 || status === 202) headers.add("Location");
  if (status === 503) headers.add("Retry-After");
  if (ignores) headers.add("X-Ignored-Fields");
  const description = schemas[0]?.description ?? STATUS_CODES[status] ?? "";
  return { description, mediaType: isStreamed ? EVENT_STREAM : JSON_TYPE, schemas, headers: [...headers] };
}

/** With every code that has this status. */
export const refusalWith = (status: number) => refusal(ERROR_CODES.filter((code) => STATUS[code] === status));

function planned(route: Route, done: DocumentedAnswer | undefined, plans: z.ZodType): DocumentedAnswer {
  const description = done
    ? "What was done. With `dryRun=true`, what would be."
    : "With `dryRun=true`: what would be done.";
  return { ...success(route, 200, [...(done?.schemas ?? []), plans]), description };
}

function refusal(codes: ErrorCode[]): DocumentedAnswer {
  const headers = codes.flatMap((code) => Object.keys(HEADERS[code] ?? {}) as AnswerHeader[]);
  const description = codes.map((code) => `\`${code}\``).join(", ");
  return { description, mediaType: JSON_TYPE, schemas: [problem], headers, codes };
}

function refusalsOf({ scope, path, method, returns, ignoresKey }: Route): ErrorCode[] {
  // What was made under an Idempotency-Key may be deleted by now.
  const mayBeGone = path.includes(":") || (201 in returns && !ignoresKey);
  return [
    "validation_error",
    "payload_too_large",
    "internal_error",
    ...(scope ? (["unauthorized", "forbidden", "unavailable"] as const) : []),
    ...(mayBeGone ? (["not_found"] as const) : []),
    ...(method === "get" ? [] : (["invalid_state", "approver_not_allowed", "conflict"] as const)),
  ];
}

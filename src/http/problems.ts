import type { ErrorRequestHandler, Response } from "express";
import type { ErrorCode } from "../contract/answers/problem.ts";
import { Problem } from "../errors.ts";
import { type Answer, send } from "./answer.ts";
import { isOutage, OUTAGE } from "../outage.ts";

/** The status of each error code (docs/definitions.md, Error codes). */
export const STATUS: Record<ErrorCode, number> = {
  validation_error: 400,
  invalid_state: 400,
  approver_not_allowed: 400,
  unauthorized: 401,
  forbidden: 403,
  not_found: 404,
  method_not_allowed: 405,
  conflict: 409,
  payload_too_large: 413,
  rate_limited: 429,
  internal_error: 500,
  unavailable: 503,
};
export const HEADERS: Partial<Record<ErrorCode, Record<string, string>>> = {
  unauthorized: { "WWW-Authenticate": "Bearer" },
  unavailable: { "Retry-After": "1" },
};
const MAX_MESSAGE = 1000;

/** The last of the middleware: what was thrown becomes the error body that docs/definitions.md shows. */
export const answerProblems = answeringProblems((response, problem) =>
  send(response, answerOf(problem, response.locals.requestId)),
);

/** Tells of what was thrown. The error itself is left for the request's log. */
export function answeringProblems(tell: (response: Response, problem: Problem) => void): ErrorRequestHandler {
  return (error: unknown, _request, response, next) => {
    if (response.headersSent) return next(error);
    const problem = problemOf(error);
    response.locals.problem = problem;
    response.locals.error = error;
    tell(response, problem);
  };
}

/** The answer that tells a problem. */
export function answerOf({ code, message, details }: Problem, request_id: string): Answer {
  const text = message.slice(0, MAX_MESSAGE);
  return {
    status: STATUS[code],
    headers: HEADERS[code],
    body: { error: text, code, message: text, details, request_id },
  };
}

function problemOf(error: unknown): Problem {
  if (error instanceof Problem) return error;
  if (isBodyTooLarge(error))
    return new Problem(
      "payload_too_large",
      `request body is larger than ${Number(property(error, "limit")) / 2 ** 20} MiB`,
    );
  if (isUnreadableBody(error)) return new Problem("validation_error", "invalid request body", ["body: cannot be read"]);
  if (error instanceof URIError) return new Problem("validation_error", "malformed percent-encoding in path");
  if (isOutage(error)) return new Problem("unavailable", OUTAGE);
  return new Problem("internal_error", "internal error");
}

// The errors of express's body parser carry the status that express would answer.
const isBodyTooLarge = (error: unknown) => property(error, "type") === "entity.too.large";
const isUnreadableBody = (error: unknown) =>
  property(error, "expose") === true && [400, 415].includes(Number(property(error, "status")));

function property(error: unknown, name: string): unknown {
  return typeof error === "object" && error !== null ? Reflect.get(error, name) : undefined;
}

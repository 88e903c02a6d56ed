import { isGrpcServiceError } from "@temporalio/client";
import type { ErrorRequestHandler } from "express";
import type { Logger } from "pino";
import { stringifyJson } from "../contract/json.ts";
import { type ErrorCode, Problem } from "../errors.ts";

/** The one place where problems become statuses (contract §1). */
const STATUS: Record<ErrorCode, number> = {
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
const HEADERS: Partial<Record<ErrorCode, [name: string, value: string]>> = {
  unauthorized: ["WWW-Authenticate", "Bearer"],
  unavailable: ["Retry-After", "1"],
};
const MAX_MESSAGE = 1000;

/** The last of the middleware: whatever was thrown becomes the contract's error body. */
export function answerProblems(log: Logger): ErrorRequestHandler {
  return (error: unknown, request, response, next) => {
    if (response.headersSent) return next(error);
    const { code, message, details } = problemOf(error);
    const request_id: string = response.locals.requestId;
    if (code === "internal_error" || code === "unavailable") {
      log.error({ err: error, request_id, method: request.method, path: request.path }, "a request failed");
    }
    const text = message.slice(0, MAX_MESSAGE);
    const header = HEADERS[code];
    if (header) response.set(...header);
    response.status(STATUS[code]).type("json").send(stringifyJson({ error: text, code, message: text, details, request_id }));
  };
}

function problemOf(error: unknown): Problem {
  if (error instanceof Problem) return error;
  if (isBodyTooLarge(error)) return new Problem("payload_too_large", "request body is larger than 1 MiB");
  if (isUnreadableBody(error)) return new Problem("validation_error", "invalid request body", ["body: cannot be read"]);
  if (error instanceof URIError) return new Problem("validation_error", "malformed percent-encoding in path");
  if (isUnreachable(error)) return new Problem("unavailable", "a service this depends on cannot be reached, try again");
  return new Problem("internal_error", "internal error");
}

// Errors of express's body parser carry a type, and the status it would answer.
const isBodyTooLarge = (error: unknown) => property(error, "type") === "entity.too.large";
const isUnreadableBody = (error: unknown) =>
  typeof property(error, "type") === "string" && [400, 415].includes(Number(property(error, "status")));

const GRPC_OUTAGE = [4 /* DEADLINE_EXCEEDED */, 8 /* RESOURCE_EXHAUSTED */, 14 /* UNAVAILABLE */];
// Socket errors; SQLSTATE class 08 (connection), 53 (resources), 57P (shutting down or starting); pg's own words, which have no code.
const OUTAGE_CODE = /^(E(CONN(REFUSED|RESET|ABORTED)|TIMEDOUT|PIPE|NOTFOUND|HOSTUNREACH|NETUNREACH|AI_AGAIN)|08\w{3}|53\w{3}|57P0[1-3])$/;
const OUTAGE_MESSAGE = /^(Connection terminated|timeout exceeded when trying to connect|Query read timeout|Client has encountered a connection error)/;

/** Whether Postgres or Temporal is down, rather than something wrong with us. */
function isUnreachable(error: unknown): boolean {
  if (isGrpcServiceError(error)) return GRPC_OUTAGE.includes(error.code);
  if (!(error instanceof Error)) return false;
  return OUTAGE_CODE.test(String(property(error, "code"))) || OUTAGE_MESSAGE.test(error.message) || isUnreachable(error.cause);
}

function property(error: unknown, name: string): unknown {
  return typeof error === "object" && error !== null ? Reflect.get(error, name) : undefined;
}

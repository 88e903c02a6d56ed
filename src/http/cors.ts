import type { RequestHandler } from "express";
import { ANSWER_HEADERS } from "../contract/answers/headers.ts";
import { send } from "./answer.ts";

const EXPOSED = ["X-Request-Id", ...Object.keys(ANSWER_HEADERS)].join(", ");
const PREFLIGHT = {
  "Access-Control-Allow-Methods": "GET, POST, PUT, PATCH, DELETE",
  "Access-Control-Allow-Headers":
    "Authorization, Content-Type, Idempotency-Key, If-None-Match, X-Idempotency-Key, X-Request-Id",
  "Access-Control-Max-Age": "600",
};

/** Lets pages of these origins, or of any (`*`), call the API from a browser. Who asks says so by a token, and by no cookie. */
export function cors(origins: string[]): RequestHandler {
  const isAny = origins.includes("*");
  return (request, response, next) => {
    const { origin, "access-control-request-method": asked } = request.headers;
    if (!isAny) response.vary("Origin");
    if (origin === undefined || !(isAny || origins.includes(origin))) return next();
    response.set({
      "Access-Control-Allow-Origin": isAny ? "*" : origin,
      "Access-Control-Expose-Headers": EXPOSED,
    });
    if (request.method !== "OPTIONS" || asked === undefined) return next();
    send(response.set(PREFLIGHT), { status: 204 });
  };
}

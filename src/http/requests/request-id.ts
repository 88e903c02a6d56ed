import type { RequestHandler } from "express";
import { randomUUID } from "node:crypto";
import { type RequestScope, requestScope } from "../../request-scope.ts";

const SANE = /^[\x20-\x7e]{1,128}$/;

/** Every answer carries an X-Request-Id: the client's own if it is safe to log and to echo. So does each line of the log. */
export const requestId: RequestHandler = (request, response, next) => {
  const theirs = request.get("X-Request-Id");
  const request_id = theirs !== undefined && SANE.test(theirs) ? theirs : randomUUID();
  response.locals.requestId = request_id;
  response.locals.scope = { request_id } satisfies RequestScope;
  requestScope.run(response.locals.scope, next);
};

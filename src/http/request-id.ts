import type { RequestHandler } from "express";
import { randomUUID } from "node:crypto";

const SANE = /^[\x20-\x7e]{1,128}$/;

/** Every answer carries an X-Request-Id: the client's own if it is safe to log and to echo. */
export const requestId: RequestHandler = (request, response, next) => {
  const theirs = request.get("X-Request-Id");
  response.locals.requestId = theirs !== undefined && SANE.test(theirs) ? theirs : randomUUID();
  next();
};

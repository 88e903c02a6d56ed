import type { RequestHandler } from "express";

const PREFIX = "/envelope";

/** For clients that can set a base URL and no parameter: below it every path is as without, and lists answer the envelope. */
export const envelopePrefix: RequestHandler = (request, response, next) => {
  if (request.url.startsWith(`${PREFIX}/`)) {
    request.url = request.url.slice(PREFIX.length);
    response.locals.isEnveloped = true;
  }
  next();
};

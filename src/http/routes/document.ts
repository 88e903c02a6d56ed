import { z } from "zod";
import { ALWAYS } from "../answer.ts";
import { openApi } from "../openapi.ts";
import { takeRoom } from "../requests/room.ts";
import type { Route } from "../route.ts";
import { NO_QUERY, parseQuery } from "../validation.ts";

/** The document of all routes, this one included; written once. Express answers 304 to who has it already. */
export function documentRoute(routes: () => Route[]): Route {
  let text: string | undefined;
  return {
    method: "get",
    path: "/openapi.json",
    operationId: "getOpenApi",
    tag: "Service",
    summary: "This document",
    returns: { 200: z.looseObject({ openapi: z.string() }) },
    handler: () => (request, response) => {
      parseQuery(NO_QUERY, request.query);
      text ??= JSON.stringify(openApi(routes()));
      takeRoom(request, response, text.length);
      response.set({ ...ALWAYS, "X-Request-Id": response.locals.requestId, "Cache-Control": "no-cache" }).send(text);
    },
  };
}

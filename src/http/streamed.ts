import type { z } from "zod";
import { stringifyJson } from "../contract/json.ts";
import type { Deps } from "../deps.ts";
import { ALWAYS } from "./answer.ts";
import { EVENT_STREAM } from "./answers.ts";
import { callerOf } from "./auth.ts";
import type { Params, Route } from "./route.ts";
import { parsePath, parseQuery } from "./validation.ts";
import { assertScope, type Caller, type Scope } from "../identity/caller.ts";

/** A request is answered within 30 s. Whoever wants to see more asks again, as browsers do by themselves. */
const STREAMED_MS = 25_000;

const HEADERS = {
  ...ALWAYS,
  "Content-Type": `${EVENT_STREAM}; charset=utf-8`,
  "Cache-Control": "no-cache",
  // A proxy that collects answers would hold the messages back.
  "X-Accel-Buffering": "no",
};

interface Declaration<Path extends string, Query, Message>
  extends Pick<Route, "operationId" | "tag" | "summary" | "description"> {
  path: Path;
  scope: Scope;
  query: z.ZodType<Query>;
  /** Each message. */
  returns: { 200: z.ZodType<Message> };
  /** Until the last one, or until it is over: the client has gone, the process stops, or the time is up. */
  messages: (
    deps: Deps,
    asked: { caller: Caller; params: Params<Path>; query: Query },
    isOver: () => boolean,
  ) => AsyncIterable<Message>;
}

/** A route that answers server-sent events, each a `status`. What is refused is refused as anywhere, before the first of them. */
export function streamed<const Path extends string, Query, Message>(
  declared: Declaration<Path, Query, Message>,
): Route {
  return {
    ...declared,
    method: "get",
    isStreamed: true,
    handler: (deps) => async (request, response) => {
      const caller = callerOf(request);
      assertScope(caller, declared.scope);
      const query = parseQuery(declared.query, request.query);
      const asked = { caller, params: parsePath(request.params) as Params<Path>, query };
      const end = performance.now() + STREAMED_MS;
      const isOver = () => response.destroyed || deps.stopping.aborted || performance.now() >= end;
      try {
        for await (const message of declared.messages(deps, asked, isOver)) {
          response.locals.check?.({ body: message });
          if (!response.headersSent) {
            // The client of a process that stops could not be told any more to leave the connection.
            response.shouldKeepAlive = false;
            response.writeHead(200, { ...HEADERS, "X-Request-Id": response.locals.requestId });
          }
          response.write(`event: status\ndata: ${stringifyJson(message)}\n\n`);
          if (request.method === "HEAD") break;
        }
      } catch (err) {
        if (!response.headersSent) throw err;
        deps.log.warn({ err }, "a stream has ended before its time");
      }
      response.end();
    },
  };
}

import type { Request, RequestHandler } from "express";
import type { z } from "zod";
import type { Config } from "../config.ts";
import { idempotencyKey } from "../contract/idempotency.ts";
import type { Deps } from "../deps.ts";
import { Problem } from "../errors.ts";
import { type Answer, send } from "./answer.ts";
import { callerOf } from "./auth.ts";
import { jsonOf } from "./body.ts";
import { parseBody, parseQuery } from "./validation.ts";
import { assertScope, type Caller, type Scope } from "../identity/caller.ts";

/** How long one request may try to reach a Temporal that is away, before it is a 503. Clients give up after 30 s. */
const TEMPORAL_WITHIN_MS = 15_000;

/** What a handler is given: everything parsed, checked and allowed. `url` is the request's, for links to the next page. */
export interface Asked<Path extends string, Query, Body> {
  caller: Caller;
  params: Params<Path>;
  query: Query;
  body: Body;
  url: string;
  idempotencyKey: string | undefined;
}

/** A route with a scope needs a bearer token that has it; one without is open to everybody. */
export interface Route {
  method: "get" | "post" | "delete";
  path: string;
  scope?: Scope;
  /** Of a body; without it 1 MiB. */
  maxBytes?: (config: Config) => number;
  handler: (deps: Deps) => RequestHandler;
}

type Params<Path extends string> = Path extends `${string}:${infer Name}/${infer Rest}`
  ? Record<Name, string> & Params<Rest>
  : Path extends `${string}:${infer Name}`
    ? Record<Name, string>
    : unknown;

interface Declaration<Path extends string, Query, Body> {
  method: Route["method"];
  path: Path;
  scope: Scope;
  query?: z.ZodType<Query>;
  /** Without one, a body is never looked at. */
  body?: z.ZodType<Body>;
  maxBytes?: (config: Config) => number;
  /** It is about many runs, and each has its own time to reach Temporal. */
  isBulk?: boolean;
  handler: (deps: Deps, asked: Asked<Path, Query, Body>) => Promise<Answer>;
}

/** The one way from HTTP to a command or a query, and back. */
export function route<const Path extends string, Query = undefined, Body = undefined>(
  declared: Declaration<Path, Query, Body>,
): Route {
  const { method, path, scope, maxBytes, isBulk, query, body, handler } = declared;
  return {
    method,
    path,
    scope,
    maxBytes,
    handler: (deps) => async (request, response) => {
      const caller = callerOf(request);
      assertScope(caller, scope);
      const asked = {
        caller,
        params: request.params as Params<Path>,
        query: (query && parseQuery(query, request.query)) as Query,
        body: (body && parseBody(body, jsonOf(request.body))) as Body,
        url: request.originalUrl,
        idempotencyKey: keyOf(request),
      };
      // What only reads waits less long, with a deadline of its own wherever it asks Temporal. Here it would cost a list
      // a tenth of its time.
      const answer = method === "get" || isBulk ? handler(deps, asked) : withinLimit(deps, () => handler(deps, asked));
      send(response, await answer);
    },
  };
}

const withinLimit = ({ temporal }: Deps, act: () => Promise<Answer>) =>
  temporal.withDeadline(Date.now() + TEMPORAL_WITHIN_MS, act);

function keyOf(request: Request): string | undefined {
  const key = request.get("Idempotency-Key") ?? request.get("X-Idempotency-Key");
  if (key === undefined) return undefined;
  const result = idempotencyKey.safeParse(key);
  if (result.success) return result.data;
  throw new Problem("validation_error", "invalid Idempotency-Key", [
    "Idempotency-Key: must be 1 to 255 printable characters",
  ]);
}

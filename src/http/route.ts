import type { Request, RequestHandler } from "express";
import type { z } from "zod";
import type { Config } from "../config.ts";
import { idempotencyKey } from "../contract/idempotency.ts";
import type { Json } from "../contract/json.ts";
import type { Deps } from "../deps.ts";
import { Problem } from "../errors.ts";
import { type Answer, send } from "./answer.ts";
import { callerOf } from "./auth.ts";
import { jsonOf, sizeOf } from "./body.ts";
import { inTurn } from "./large-bodies.ts";
import { dryRunOf, NO_BODY, NO_QUERY, parseBody, parseQuery } from "./validation.ts";
import { assertScope, type Caller, type Scope } from "../identity/caller.ts";

/** How long one request may try to reach a Temporal that is away, before it is answered with 503. Clients give up after 30 s. */
const TEMPORAL_WITHIN_MS = 15_000;

/** What a handler is given: everything is parsed, checked and allowed. `url` is for links to the next page. */
export interface RouteRequest<Path extends string, Query, Body> {
  caller: Caller;
  params: Params<Path>;
  query: Query;
  body: Body;
  url: string;
  idempotencyKey: string | undefined;
}

/** A route with a scope needs a bearer token that has it. A route without a scope is open to everybody. */
export interface Route {
  method: "get" | "post" | "put" | "patch" | "delete";
  /** Whatever its method, it changes nothing. */
  onlyReads: boolean;
  path: string;
  scope?: Scope;
  /** A scope that is enough as well. */
  orScope?: Scope;
  /** The largest body. Without it, 1 MiB. */
  maxBytes?: (config: Config) => number;
  handler: (deps: Deps) => RequestHandler;
}

type Params<Path extends string> = Path extends `${string}:${infer Name}/${infer Rest}`
  ? Record<Name, string> & Params<Rest>
  : Path extends `${string}:${infer Name}`
    ? Record<Name, string>
    : unknown;

interface Declaration<Path extends string, Query, Body> {
  path: Path;
  scope: Scope;
  orScope?: Scope;
  /** Without one, every query parameter is refused. */
  query?: z.ZodType<Query>;
  /** Without one, every body but an empty object is refused. */
  body?: z.ZodType<Body>;
  /** The fields of a body that have no effect. The answer names them. */
  ignores?: (given: Json | undefined, body: Body) => string[];
  maxBytes?: (config: Config) => number;
  handler: Handler<Path, Query, Body, Answer>;
  /** The route is about many runs, each of which has its own time to reach Temporal. */
  isBulk?: boolean;
}

type Handler<Path extends string, Query, Body, Result> = (
  deps: Deps,
  asked: RouteRequest<Path, Query, Body>,
) => Promise<Result>;

/** A route that changes something has a plan, which `?dryRun=true` answers with nothing changed. A question may be put by POST. */
type Declared<Path extends string, Query, Body> = Declaration<Path, Query, Body> &
  (
    | { method: "get" }
    | { method: "post"; onlyReads: true }
    | { method: "post" | "put" | "patch" | "delete"; plan: Handler<Path, Query, Body, { dry_run: true }> }
  );

/** Makes a route: the way from HTTP to a command or a query, and back. */
export function route<const Path extends string, Query = undefined, Body = undefined>(
  declared: Declared<Path, Query, Body>,
): Route {
  const { method, path, scope, orScope, maxBytes, isBulk, handler } = declared;
  const scopes = orScope ? [scope, orScope] : [scope];
  const plan = "plan" in declared ? declared.plan : undefined;
  return {
    method,
    onlyReads: plan === undefined,
    path,
    scope,
    orScope,
    maxBytes,
    handler: (deps) => async (request, response) => {
      const caller = callerOf(request);
      assertScope(caller, ...scopes);
      const params = request.params as Params<Path>;
      const asked = { caller, params, url: request.originalUrl, idempotencyKey: keyOf(request) };
      const queryOf = (given: object) => parseQuery<unknown>(declared.query ?? NO_QUERY, given) as Query;
      // A read has shorter deadlines of its own wherever it asks Temporal. One here would cost a list a tenth of its time.
      if (declared.method === "get")
        return send(
          response,
          await handler(deps, { ...asked, query: queryOf(request.query), body: undefined as Body }),
        );
      const { isDryRun, given, whole } = await inTurn(caller, sizeOf(request.body), () => {
        const json = jsonOf(request.body);
        const {
          isDryRun,
          query,
          body: given,
        } = plan ? dryRunOf(request.query, json) : { isDryRun: false, query: request.query, body: json };
        const body = parseBody<unknown>(declared.body ?? NO_BODY, given) as Body;
        return { isDryRun, given, whole: { ...asked, query: queryOf(query), body } };
      });
      const act = async () => (plan && isDryRun ? { body: await plan(deps, whole) } : handler(deps, whole));
      const answer = await (isBulk ? act() : withinLimit(deps, act));
      send(response, naming(declared.ignores?.(given, whole.body) ?? [], answer));
    },
  };
}

/** A route that needs no token, and takes neither parameters nor a body. */
export function openRoute(path: string, answer: (deps: Deps) => Promise<Answer>): Route {
  return {
    method: "get",
    onlyReads: true,
    path,
    handler: (deps) => async (request, response) => {
      parseQuery(NO_QUERY, request.query);
      send(response, await answer(deps));
    },
  };
}

/** How many ignored fields are named. A definition may have a thousand steps. */
const MOST_NAMED = 20;

function naming(ignored: string[], answer: Answer): Answer {
  if (ignored.length === 0) return answer;
  const more = ignored.length > MOST_NAMED ? [`and ${ignored.length - MOST_NAMED} more`] : [];
  const named = [...ignored.slice(0, MOST_NAMED), ...more].join(", ");
  return { ...answer, headers: { ...answer.headers, "X-Ignored-Fields": named } };
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

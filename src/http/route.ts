import type { Request, RequestHandler } from "express";
import type { z } from "zod";
import type { Config } from "../config.ts";
import type { AnswerHeader } from "../contract/answers/headers.ts";
import { idempotencyKey } from "../contract/idempotency.ts";
import type { Json } from "../contract/json.ts";
import type { PathParameterName } from "../contract/path-parameters.ts";
import type { Deps } from "../deps.ts";
import { Problem } from "../errors.ts";
import { type Answer, send } from "./answer.ts";
import { callerOf } from "./auth.ts";
import { jsonOf, sizeOf } from "./body.ts";
import { readInTurn } from "./large-bodies.ts";
import type { Tag } from "./tags.ts";
import { dryRunOf, NO_BODY, NO_QUERY, parseBody, parsePath, parseQuery } from "./validation.ts";
import { assertScope, type Caller, type Scope } from "../identity/caller.ts";
import { answeringWithin } from "../temporal/in-time.ts";

/** How long one request may try to reach a Temporal that is away, before it is answered with 503. Clients give up after 30 s. */
const TEMPORAL_WITHIN_MS = 15_000;

/** What a route says of itself: the document, the app and the tests read it. */
export interface Route {
  method: "get" | "post" | "put" | "patch" | "delete";
  path: string;
  /** What clients call it: a verb first, in camel case, as the published SDKs do. */
  operationId: string;
  tag: Tag;
  /** A few words; `description` is for what they leave open. */
  summary: string;
  description?: string;
  /** A route with a scope needs a bearer token that has it. A route without a scope is open to everybody. */
  scope?: Scope;
  /** A scope that is enough as well. */
  orScope?: Scope;
  query?: z.ZodType;
  body?: z.ZodType;
  /** The body of each success, by status. */
  returns: Record<number, z.ZodType>;
  /** The answer is a stream of such bodies (streamed.ts). */
  isStreamed?: true;
  /** What `?dryRun=true` answers. Without it, the route changes nothing, whatever its method. */
  plans?: z.ZodType;
  ignores?: (given: Json | undefined, body: never) => string[];
  /** An Idempotency-Key has no effect: to ask twice is to say the same twice. */
  ignoresKey?: true;
  /** The largest body. Without it, 1 MiB. */
  maxBytes?: (config: Config) => number;
  handler: (deps: Deps) => RequestHandler;
}

/**
 * What a handler is given: everything is parsed, checked and allowed. `url` is for links to the next page. If `isEnveloped`, a list
 * is answered in an envelope, whatever the query says.
 */
export interface RouteRequest<Path extends string, Query, Body> {
  caller: Caller;
  params: Params<Path>;
  query: Query;
  body: Body;
  url: string;
  isEnveloped: boolean;
  idempotencyKey: string | undefined;
}

/** Only names of contract/path-parameters.ts are parameters. */
export type Params<Path extends string> = Path extends `${string}:${infer Name}/${infer Rest}`
  ? Record<Name & PathParameterName, string> & Params<Rest>
  : Path extends `${string}:${infer Name}`
    ? Record<Name & PathParameterName, string>
    : unknown;

type Returns = Record<number, z.ZodType>;

/** An answer that says no status has the first one that the route returns. */
interface AnswerOf<Answers extends Returns> {
  status?: keyof Answers;
  headers?: Partial<Record<AnswerHeader, string>>;
  body: z.output<Answers[keyof Answers]>;
}

type Told = "operationId" | "tag" | "summary" | "description" | "orScope" | "maxBytes" | "ignoresKey";

interface Declaration<Path extends string, Query, Body, Answers extends Returns> extends Pick<Route, Told> {
  path: Path;
  scope: Scope;
  /** Without one, every query parameter is refused. */
  query?: z.ZodType<Query>;
  /** Without one, every body but an empty object is refused. */
  body?: z.ZodType<Body>;
  returns: Answers;
  /** The fields of a body that have no effect. The answer names them. */
  ignores?: (given: Json | undefined, body: Body) => string[];
  handler: Handler<Path, Query, Body, AnswerOf<Answers>>;
  /** The route is about many runs, each of which has its own time to reach Temporal. */
  isBulk?: boolean;
}

type Handler<Path extends string, Query, Body, Result> = (
  deps: Deps,
  asked: RouteRequest<Path, Query, Body>,
) => Promise<Result>;

/** A route that changes something has a plan, which `?dryRun=true` answers with nothing changed. A question may be put by POST. */
type Declared<Path extends string, Query, Body, Answers extends Returns, Plan> = Declaration<
  Path,
  Query,
  Body,
  Answers
> &
  (
    | { method: "get" }
    | { method: "post"; onlyReads: true }
    | {
        method: "post" | "put" | "patch" | "delete";
        plans: z.ZodType<Plan>;
        plan: Handler<Path, Query, Body, NoInfer<Plan>>;
      }
  );

/**
 * Makes a route: the way from HTTP to a command or a query, and back. By its declaration requests are parsed, /openapi.json is
 * written, the handler's answer is typed, and the tests parse each answer, strictly.
 *
 *     route({
 *       method: "get",
 *       path: "/v1/jobs/:jobID",          // its parameters are in contract/path-parameters.ts
 *       operationId: "getJob",
 *       tag: "Jobs",
 *       summary: "Get a job",
 *       scope: "jobs:read",
 *       returns: { 200: job },            // a schema of contract/. With .meta({ id }), it is a component of the document
 *       handler: async (deps, { caller, params }) => ({ body: await getJob(deps, caller, params.jobID) }),
 *     })
 *
 * A list returns `listOf(item)` and answers `pageAnswer`. A command returns `commanded(schema)` and answers `answerTo`. An answer
 * without a body returns `{ 204: z.undefined() }`. A route that changes something declares `plans` and `plan` too. Refusals are not
 * declared: they follow from the rest (answers.ts). `npm run openapi` writes the document.
 */
export function route<
  const Path extends string,
  Answers extends Returns,
  Query = undefined,
  Body = undefined,
  Plan = unknown,
>(declared: Declared<Path, Query, Body, Answers, Plan>): Route {
  const { scope, orScope, isBulk } = declared;
  const usual = firstOf(declared.returns);
  const handler = async (deps: Deps, asked: RouteRequest<Path, Query, Body>) =>
    ({ ...usual, ...(await declared.handler(deps, asked)) }) as Answer;
  const scopes = orScope ? [scope, orScope] : [scope];
  const plan = "plan" in declared ? declared.plan : undefined;
  return {
    ...declared,
    handler: (deps) => async (request, response) => {
      const caller = callerOf(request);
      assertScope(caller, ...scopes);
      const isEnveloped = response.locals.isEnveloped === true;
      const asked = { caller, url: request.originalUrl, isEnveloped, idempotencyKey: keyOf(request) };
      const queryOf = (given: object) => parseQuery<unknown>(declared.query ?? NO_QUERY, given) as Query;
      const paramsOf = () => parsePath(request.params) as Params<Path>;
      // A read has shorter deadlines of its own wherever it asks Temporal. One here would cost a list a tenth of its time.
      if (declared.method === "get") {
        const query = queryOf(request.query);
        return send(response, await handler(deps, { query, params: paramsOf(), body: undefined as Body, ...asked }));
      }
      const { isDryRun, given, whole } = await readInTurn(caller, sizeOf(request.body), () => {
        const json = jsonOf(request.body);
        const {
          isDryRun,
          query,
          body: given,
        } = plan ? dryRunOf(request.query, json) : { isDryRun: false, query: request.query, body: json };
        const body = parseBody<unknown>(declared.body ?? NO_BODY, given) as Body;
        return { isDryRun, given, whole: { query: queryOf(query), params: paramsOf(), body, ...asked } };
      });
      const act = async (): Promise<Answer> =>
        plan && isDryRun ? { body: await plan(deps, whole) } : handler(deps, whole);
      const answer = await (isBulk ? act() : withinLimit(deps, act));
      send(response, naming(declared.ignores?.(given, whole.body) ?? [], answer));
    },
  };
}

/** A route that needs no token, and takes neither parameters nor a body. */
export function openRoute<Answers extends Returns>(
  declared: Pick<Route, "path" | "operationId" | "tag" | "summary"> & {
    returns: Answers;
    answer: (deps: Deps) => Promise<AnswerOf<Answers>>;
  },
): Route {
  const usual = firstOf(declared.returns);
  return {
    ...declared,
    method: "get",
    handler: (deps) => async (request, response) => {
      parseQuery(NO_QUERY, request.query);
      send(response, { ...usual, ...(await declared.answer(deps)) } as Answer);
    },
  };
}

/** The status of an answer that says none. */
const firstOf = (returns: Returns) => ({ status: Number(Object.keys(returns)[0]) });

/** How many ignored fields are named. A definition may have a thousand steps. */
const MOST_NAMED = 20;

function naming(ignored: string[], answer: Answer): Answer {
  if (ignored.length === 0) return answer;
  const more = ignored.length > MOST_NAMED ? [`and ${ignored.length - MOST_NAMED} more`] : [];
  const named = [...ignored.slice(0, MOST_NAMED), ...more].join(", ");
  return { ...answer, headers: { ...answer.headers, "X-Ignored-Fields": named } };
}

const withinLimit = ({ temporal }: Deps, act: () => Promise<Answer>) =>
  answeringWithin(temporal, TEMPORAL_WITHIN_MS, act);

function keyOf(request: Request): string | undefined {
  const key = request.get("Idempotency-Key") ?? request.get("X-Idempotency-Key");
  if (key === undefined) return undefined;
  const result = idempotencyKey.safeParse(key);
  if (result.success) return result.data;
  throw new Problem("validation_error", "invalid Idempotency-Key", [
    "Idempotency-Key: must be 1 to 255 printable characters",
  ]);
}

import type { Request, RequestHandler } from "express";
import type { z } from "zod";
import type { Config } from "../config.ts";
import type { AnswerHeader } from "../contract/answer-headers.ts";
import { idempotencyKey } from "../contract/idempotency.ts";
import type { Json } from "../contract/json.ts";
import type { PathParameterName } from "../contract/path-parameters.ts";
import type { Deps } from "../deps.ts";
import { Problem } from "../errors.ts";
import { type Answer, send } from "./answer.ts";
import { callerOf } from "./auth.ts";
import { jsonOf, sizeOf } from "./body.ts";
import { inTurn } from "./large-bodies.ts";
import type { Tag } from "./tags.ts";
import { dryRunOf, NO_BODY, NO_QUERY, parseBody, parsePath, parseQuery } from "./validation.ts";
import { assertScope, type Caller, type Scope } from "../identity/caller.ts";

/** How long one request may try to reach a Temporal that is away, before it is a 503. Clients give up after 30 s. */
const TEMPORAL_WITHIN_MS = 15_000;

/** What a route says of itself; its line in the document, its way in, and what the tests hold its answers to. */
export interface Route {
  method: "get" | "post" | "put" | "patch" | "delete";
  path: string;
  /** What clients call it: a verb first, in camel case, as the published SDKs do. */
  operationId: string;
  tag: Tag;
  /** A few words; `description` is for what they leave open. */
  summary: string;
  description?: string;
  /** A route with a scope needs a bearer token that has it; one without is open to everybody. */
  scope?: Scope;
  /** This one is enough as well. */
  orScope?: Scope;
  query?: z.ZodType;
  body?: z.ZodType;
  /** The body of each success, by status. */
  returns: Record<number, z.ZodType>;
  /** What `?dryRun=true` answers. */
  plans?: z.ZodType;
  ignores?: (given: Json | undefined, body: never) => string[];
  /** Of a body; without it 1 MiB. */
  maxBytes?: (config: Config) => number;
  handler: (deps: Deps) => RequestHandler;
}

/**
 * What a handler is given: everything parsed, checked and allowed. `url` is the request's, for links to the next page;
 * `isEnveloped`: lists are, whatever the query says.
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

/** A name that is none of contract/path-parameters.ts is no parameter. */
type Params<Path extends string> = Path extends `${string}:${infer Name}/${infer Rest}`
  ? Record<Name & PathParameterName, string> & Params<Rest>
  : Path extends `${string}:${infer Name}`
    ? Record<Name & PathParameterName, string>
    : unknown;

type Returns = Record<number, z.ZodType>;

/** Without a status it has the first of those declared. */
interface AnswerOf<Answers extends Returns> {
  status?: keyof Answers;
  headers?: Partial<Record<AnswerHeader, string>>;
  body: z.output<Answers[keyof Answers]>;
}

type Told = "operationId" | "tag" | "summary" | "description" | "orScope" | "maxBytes";

interface Declaration<Path extends string, Query, Body, Answers extends Returns> extends Pick<Route, Told> {
  path: Path;
  scope: Scope;
  /** Without one, every query parameter is refused. */
  query?: z.ZodType<Query>;
  /** Without one, every body but an empty object is refused. */
  body?: z.ZodType<Body>;
  returns: Answers;
  /** Which fields of a body have no effect; the answer names them. */
  ignores?: (given: Json | undefined, body: Body) => string[];
  handler: Handler<Path, Query, Body, AnswerOf<Answers>>;
  /** It is about many runs, and each has its own time to reach Temporal. */
  isBulk?: boolean;
}

type Handler<Path extends string, Query, Body, Result> = (
  deps: Deps,
  asked: RouteRequest<Path, Query, Body>,
) => Promise<Result>;

/** What changes something also has a plan: what `?dryRun=true` answers, with nothing done. */
type Declared<Path extends string, Query, Body, Answers extends Returns, Plan> = Declaration<
  Path,
  Query,
  Body,
  Answers
> &
  (
    | { method: "get" }
    | {
        method: "post" | "put" | "patch" | "delete";
        plans: z.ZodType<Plan>;
        plan: Handler<Path, Query, Body, NoInfer<Plan>>;
      }
  );

/**
 * The one way from HTTP to a command or a query, and back. What is declared here is all there is to say of a route: it is
 * what requests are parsed by, what /openapi.json tells, what the handler's answer has to fit (TypeScript says so), and what
 * the tests parse each answer by, strictly.
 *
 *     route({
 *       method: "get",
 *       path: "/v1/jobs/:jobID",          // its parameters are in contract/path-parameters.ts
 *       operationId: "getJob",
 *       tag: "Jobs",
 *       summary: "Get a job",
 *       scope: "jobs:read",
 *       returns: { 200: job },            // a schema of contract/; with .meta({ id }) it is a component of the document
 *       handler: async (deps, { caller, params }) => ({ body: await getJob(deps, caller, params.jobID) }),
 *     })
 *
 * A list returns `listOf(item)` and answers `pageOf`; a command returns `commanded(schema)` and answers `answerTo`; what has
 * nothing to say returns `{ 204: z.undefined() }`. What changes something declares `plans` and `plan` besides. Refusals are not declared: which there can be follows from the rest
 * (answers.ts). `npm run openapi` writes the document down.
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
  return {
    ...declared,
    handler: (deps) => async (request, response) => {
      const caller = callerOf(request);
      assertScope(caller, ...scopes);
      const isEnveloped = response.locals.isEnveloped === true;
      const asked = { caller, url: request.originalUrl, isEnveloped, idempotencyKey: keyOf(request) };
      const queryOf = (given: object) => parseQuery<unknown>(declared.query ?? NO_QUERY, given) as Query;
      const paramsOf = () => parsePath(request.params) as Params<Path>;
      // What only reads waits less long, with a deadline of its own wherever it asks Temporal. Here it would cost a list
      // a tenth of its time.
      if (declared.method === "get") {
        const query = queryOf(request.query);
        return send(response, await handler(deps, { ...asked, query, params: paramsOf(), body: undefined as Body }));
      }
      const { isDryRun, given, whole } = await inTurn(caller, sizeOf(request.body), () => {
        const { isDryRun, query, body: given } = dryRunOf(request.query, jsonOf(request.body));
        const body = parseBody<unknown>(declared.body ?? NO_BODY, given) as Body;
        return { isDryRun, given, whole: { ...asked, query: queryOf(query), params: paramsOf(), body } };
      });
      const act = async (): Promise<Answer> =>
        isDryRun ? { body: await declared.plan(deps, whole) } : handler(deps, whole);
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

/** The status that an answer has which says none. */
const firstOf = (returns: Returns) => ({ status: Number(Object.keys(returns)[0]) });

/** Of a definition with a thousand steps, the first. */
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

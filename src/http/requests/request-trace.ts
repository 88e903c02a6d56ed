import type { Request, RequestHandler } from "express";
import { randomBytes } from "node:crypto";
import { knownCaller } from "../auth.ts";
import { PROBES } from "./request-log.ts";
import { requestScope } from "../../request-scope.ts";
import type { Tracing } from "../../tracing/tracing.ts";

const SANE_STATE = /^[\x20-\x7e]{1,512}$/;

/** Takes up the trace that comes with a request, and tells the request's span once it is answered. */
export const traceRequests =
  ({ placeOf, requests }: Tracing): RequestHandler =>
  (request, response, next) => {
    const scope = requestScope.getStore();
    if (!scope) return next();
    const began = Date.now();
    const parent = placeOf(request.get("traceparent") ?? "");
    const state = parent && stateOf(request);
    const trace = { span_id: randomBytes(8).toString("hex"), parent, state };
    scope.trace = trace;
    response.once("close", () => {
      const { method, route, params } = request;
      if (PROBES.test(route?.path)) return;
      scope.run ??= textOf(params.workflowRunID);
      scope.step ??= textOf(params.stepRef);
      const { actor, projects } = knownCaller(request) ?? {};
      const project = projects !== "*" && projects?.length === 1 ? projects[0] : undefined;
      const answered = { method, route: route?.path, status: response.statusCode, began, ended: Date.now() };
      requests.add({ scope, trace, ...answered, actor, project });
    });
    next();
  };

const textOf = (given: unknown): string | undefined => (typeof given === "string" ? given : undefined);

function stateOf(request: Request): string | undefined {
  const state = request.headersDistinct.tracestate?.join(",") ?? "";
  return SANE_STATE.test(state) ? state : undefined;
}

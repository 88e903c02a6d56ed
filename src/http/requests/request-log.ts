import type { RequestHandler } from "express";
import type { Logger } from "pino";
import type { Problem } from "../../errors.ts";
import type { Caller } from "../../identity/caller.ts";
import { requests } from "../../topics.ts";
import { knownCaller } from "../auth.ts";

/** Probes ask every few seconds. */
export const PROBES = /^\/health/;
/** How many projects of a caller are named. */
const MOST_PROJECTS = 5;

/**
 * Logs a line for each request, once it is answered or its client has gone. It has the path's pattern and the run, but nothing else
 * of path, query and body, which may be secrets of the client.
 */
export const logRequests =
  (log: Logger): RequestHandler =>
  (request, response, next) => {
    const began = performance.now();
    response.once("close", () => {
      const { requestId: request_id, scope, problem, error } = response.locals;
      const route: string | undefined = request.route?.path;
      const { workflowRunID: run = scope.run, stepRef: step = scope.step, runID: job_run } = request.params;
      const took = performance.now() - began;
      requests.publish({ method: request.method, route, status: response.statusCode, ms: took });
      log[levelOf(response.statusCode, route, problem)](
        {
          method: request.method,
          route,
          status: response.statusCode,
          ms: Math.round(took * 10) / 10,
          request_id,
          ...whoseOf(knownCaller(request)),
          run,
          step,
          job_run,
          ...refusedOf(problem),
          ...(response.statusCode >= 500 && error !== undefined && { err: error }),
        },
        response.writableFinished ? "request" : "request whose client has gone",
      );
    });
    next();
  };

function levelOf(status: number, route = "", problem?: Problem): "debug" | "info" | "warn" | "error" {
  if (status >= 500 && !PROBES.test(route)) return "error";
  if (problem?.code === "unauthorized") return "warn";
  return PROBES.test(route) && status < 500 ? "debug" : "info";
}

function whoseOf(caller: Caller | undefined) {
  if (!caller) return undefined;
  const { actor, projects } = caller;
  return { actor, project: projects === "*" ? "*" : projects.slice(0, MOST_PROJECTS).join() };
}

/** The reason if credentials were refused. For other refusals, which are the caller's affair, the code is enough. */
function refusedOf(problem?: Problem) {
  if (!problem) return undefined;
  const { code, message, details, cause } = problem;
  return code === "unauthorized" ? { code, reason: cause ?? details?.join("; ") ?? message } : { code };
}

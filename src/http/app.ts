import type { Express, RequestHandler } from "express";
import express from "express";
import type { Deps } from "../deps.ts";
import { Problem } from "../errors.ts";
import { LINK_PATH, serveApprovals } from "./decision-links/serve.ts";
import { authenticate } from "./auth.ts";
import { rawBody } from "./body.ts";
import { checkAnswers } from "./check-answers.ts";
import { cors } from "./cors.ts";
import { DOCS_PATHS, serveDocs } from "./docs.ts";
import { envelopePrefix } from "./envelope.ts";
import { answerProblems } from "./problems.ts";
import { logRequests } from "./requests/request-log.ts";
import { traceRequests } from "./requests/request-trace.ts";
import { requestId } from "./requests/request-id.ts";
import type { Route } from "./route.ts";
import { routes } from "./routes/index.ts";

interface AppOptions {
  /** Every answer is compared with the document. The tests do that. */
  checksAnswers?: boolean;
}

/** The whole order of the middleware. A request that matches no route is told so without a token. */
export function createApp(deps: Deps, { checksAnswers = false }: AppOptions = {}): Express {
  const checked = (route?: Route) => (checksAnswers ? [checkAnswers(route)] : []);
  const app = express();
  app.disable("x-powered-by");
  app.enable("case sensitive routing");

  const { auth, corsOrigins } = deps.config;
  app.use(requestId);
  app.use(logRequests(deps.log));
  if (deps.tracing) app.use(traceRequests(deps.tracing));
  if (corsOrigins.length > 0) app.use(cors(corsOrigins));
  app.use(envelopePrefix, ...checked());

  const bearer = authenticate(auth);
  const paths = new Set(routes.map(({ path }) => path));
  for (const path of paths) {
    for (const route of routes.filter((one) => one.path === path)) {
      const { method, scope, maxBytes, handler } = route;
      const guards = [...checked(route), ...(scope ? [bearer] : [])];
      app[method](path, ...guards, rawBody(maxBytes?.(deps.config)), handler(deps));
    }
    // A word of a path is never taken for a parameter's value, whatever the method.
    if (isInPlaceOfParameter(path)) app.all(path, refuseMethod(path));
  }
  serveDocs(app);
  serveApprovals(app, deps);
  for (const path of paths) app.all(path, refuseMethod(path));
  app.all(DOCS_PATHS, refuseAllBut("GET", "HEAD"));
  app.all(LINK_PATH, refuseAllBut("GET", "HEAD", "POST"));
  app.use(() => {
    throw new Problem("not_found", "no such route");
  });
  app.use(answerProblems);
  // Answers a refusal that the check has not found in the document.
  if (checksAnswers) app.use(answerProblems);
  return app;
}

/** It has a word where another path has a parameter. */
const isInPlaceOfParameter = (path: string) =>
  routes.some((other) => other.path !== path && new RegExp(`^${other.path.replace(/:\w+/g, "[^/]+")}$`).test(path));

function refuseMethod(path: string): RequestHandler {
  const allowed = routes
    .filter((route) => route.path === path)
    .flatMap(({ method }) => (method === "get" ? ["GET", "HEAD"] : [method.toUpperCase()]));
  return refuseAllBut(...allowed);
}

const refuseAllBut =
  (...allowed: string[]): RequestHandler =>
  (_request, response) => {
    response.set("Allow", allowed.join(", "));
    throw new Problem("method_not_allowed", "method not allowed");
  };

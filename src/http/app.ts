import type { Express } from "express";
import express from "express";
import type { Deps } from "../deps.ts";
import { Problem } from "../errors.ts";
import { authenticate } from "./auth.ts";
import { rawBody } from "./body.ts";
import { answerProblems } from "./problems.ts";
import { logRequests } from "./request-log.ts";
import { requestId } from "./request-id.ts";
import { routes } from "./routes/index.ts";

/** The whole order of the middleware. A request that matches no route is told so without a token. */
export function createApp(deps: Deps): Express {
  const app = express();
  app.disable("x-powered-by");
  app.enable("case sensitive routing");

  app.use(requestId);
  app.use(logRequests(deps.log));

  const bearer = authenticate(deps.config.auth);
  for (const { method, path, scope, maxBytes, handler } of routes) {
    app[method](path, ...(scope ? [bearer] : []), rawBody(maxBytes?.(deps.config)), handler(deps));
  }
  for (const [path, allowed] of methodsByPath()) {
    app.all(path, (_request, response) => {
      response.set("Allow", allowed.join(", "));
      throw new Problem("method_not_allowed", "method not allowed");
    });
  }
  app.use(() => {
    throw new Problem("not_found", "no such route");
  });
  app.use(answerProblems);
  return app;
}

function methodsByPath(): Map<string, string[]> {
  const methods = new Map<string, string[]>();
  for (const { method, path } of routes) {
    const more = method === "get" ? ["GET", "HEAD"] : [method.toUpperCase()];
    methods.set(path, [...(methods.get(path) ?? []), ...more]);
  }
  return methods;
}

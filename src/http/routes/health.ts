import type { RequestHandler } from "express";
import type { Deps } from "../../deps.ts";
import { readiness } from "../../queries/readiness.ts";
import { send } from "../answer.ts";
import type { Route } from "../route.ts";

const alive = (): RequestHandler => (_request, response) => {
  send(response, { body: { edition: "community", status: "ok" } });
};

const ready =
  (deps: Deps): RequestHandler =>
  async (_request, response) => {
    const components = await readiness(deps);
    const status = components.every((each) => each.status === "up") ? "up" : "down";
    send(response, { status: status === "up" ? 200 : 503, body: { status, components } });
  };

export const healthRoutes: Route[] = [
  { method: "get", path: "/health", handler: alive },
  { method: "get", path: "/health/ready", handler: ready },
];

import type { RequestHandler } from "express";
import type { Deps } from "../../deps.ts";
import { send } from "../answer.ts";
import type { Route } from "../route.ts";

const PATIENCE_MS = 2_000;

const alive = (): RequestHandler => (_request, response) => {
  send(response, { body: { edition: "community", status: "ok" } });
};

const ready =
  (deps: Deps): RequestHandler =>
  async (_request, response) => {
    const components = await Promise.all([
      component("postgres", () => deps.db.query("select 1")),
      component("temporal", () => deps.temporal.workflowService.getSystemInfo({})),
    ]);
    const status = components.every((each) => each.status === "up") ? "up" : "down";
    send(response, { status: status === "up" ? 200 : 503, body: { status, components } });
  };

async function component(name: string, reach: () => Promise<unknown>) {
  const started = performance.now();
  const status = await Promise.race([
    reach().then(
      () => "up",
      () => "down",
    ),
    new Promise<string>((resolve) => setTimeout(resolve, PATIENCE_MS, "down").unref()),
  ]);
  return { name, status, latency_ms: Math.round(performance.now() - started) };
}

export const healthRoutes: Route[] = [
  { method: "get", path: "/health", handler: alive },
  { method: "get", path: "/health/ready", handler: ready },
];

import { health, readiness } from "../../contract/answers/health.ts";
import { componentsOf } from "../../queries/readiness.ts";
import { openRoute, type Route } from "../route.ts";

export const healthRoutes: Route[] = [
  openRoute({
    path: "/health",
    operationId: "getHealth",
    tag: "Service",
    summary: "Whether the process answers",
    returns: { 200: health },
    answer: async () => ({ body: { edition: "community", status: "ok" } as const }),
  }),
  openRoute({
    path: "/health/ready",
    operationId: "getReadiness",
    tag: "Service",
    summary: "Whether a request can be served now",
    returns: { 200: readiness, 503: readiness },
    answer: async (deps) => {
      const components = await componentsOf(deps);
      const status = components.every((each) => each.status === "up") ? "up" : "down";
      return { status: status === "up" ? (200 as const) : (503 as const), body: { status, components } as const };
    },
  }),
];

import { health, readiness } from "../../contract/answers/health.ts";
import { ALIVE, componentsOf, readinessOf } from "../../queries/readiness.ts";
import { HEADERS } from "../problems.ts";
import { openRoute, type Route } from "../route.ts";

export const healthRoutes: Route[] = [
  openRoute({
    path: "/health",
    operationId: "getHealth",
    tag: "Service",
    summary: "Whether the process answers",
    returns: { 200: health },
    answer: async () => ({ body: ALIVE }),
  }),
  openRoute({
    path: "/health/ready",
    operationId: "getReadiness",
    tag: "Service",
    summary: "Whether a request can be served now",
    returns: { 200: readiness, 503: readiness },
    answer: async (deps) => {
      const body = readinessOf(await componentsOf(deps));
      return body.status === "up" ? { body } : { status: 503 as const, headers: HEADERS.unavailable, body };
    },
  }),
];

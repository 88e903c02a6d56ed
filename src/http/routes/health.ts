import type { Deps } from "../../deps.ts";
import type { Answer } from "../answer.ts";
import { openRoute, type Route } from "../route.ts";

const PATIENCE_MS = 2_000;

const alive = async (): Promise<Answer> => ({ body: { edition: "community", status: "ok" } });

async function ready(deps: Deps): Promise<Answer> {
  const components = await Promise.all([
    component("postgres", () => deps.db.query("select 1")),
    component("temporal", () => deps.temporal.workflowService.getSystemInfo({})),
  ]);
  const status = components.every((each) => each.status === "up") ? "up" : "down";
  return { status: status === "up" ? 200 : 503, body: { status, components } };
}

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

export const healthRoutes: Route[] = [openRoute("/health", alive), openRoute("/health/ready", ready)];

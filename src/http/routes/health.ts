import type { Deps } from "../../deps.ts";
import { readiness } from "../../queries/readiness.ts";
import type { Answer } from "../answer.ts";
import { openRoute, type Route } from "../route.ts";

const alive = async (): Promise<Answer> => ({ body: { edition: "community", status: "ok" } });

async function ready(deps: Deps): Promise<Answer> {
  const components = await readiness(deps);
  const status = components.every((each) => each.status === "up") ? "up" : "down";
  return { status: status === "up" ? 200 : 503, body: { status, components } };
}

export const healthRoutes: Route[] = [openRoute("/health", alive), openRoute("/health/ready", ready)];

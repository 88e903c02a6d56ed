import { once } from "node:events";
import { createServer } from "node:http";
import { portProblem } from "./http-server.ts";
import type { Metrics } from "./metrics/metrics.ts";
import type { Running } from "./process.ts";
import type { Deps } from "../deps.ts";
import { HEADERS } from "../http/problems.ts";
import { guardSockets, PATIENCE } from "../http/sockets.ts";
import { ALIVE, componentsOf, notReady, readinessOf } from "../queries/readiness.ts";

interface Answer {
  status?: number;
  type?: string;
  text: string;
}
type Answers = Record<string, () => Promise<Answer>>;

interface Place {
  /** The variable that has the port. */
  variable: string;
  host: string;
  port: number;
}

/** Answers those who run the process, without a token, until it has stopped. */
export async function serveAside(place: Place, { onStop, log }: Running, answers: Answers): Promise<void> {
  const server = guardSockets(
    createServer(PATIENCE, async ({ method = "", url = "" }, response) => {
      const answer = ["GET", "HEAD"].includes(method) ? answers[url.split("?")[0] ?? ""] : undefined;
      const failed = (err: unknown): Answer => {
        log?.error({ err, url }, "not answered");
        return { status: 500, text: "" };
      };
      const { status = 200, type = "application/json", text } = (await answer?.().catch(failed)) ?? NOT_FOUND;
      const headers = { "Content-Type": type, "X-Content-Type-Options": "nosniff" };
      response.writeHead(status, status === 503 ? { ...headers, ...HEADERS.unavailable } : headers).end(text);
    }),
  ).listen(place.port, place.host);
  await once(server, "listening").catch((error) => {
    throw portProblem(error, place.variable, place.host, place.port);
  });
  onStop(async () => {
    server.close();
    server.closeAllConnections();
  });
}

const NOT_FOUND: Answer = { status: 404, text: JSON.stringify({ error: "not found" }) };

export const tellingMetrics = (metrics: Metrics): Answers => ({
  "/metrics": async () => ({ type: metrics.registry.contentType, text: await metrics.text() }),
});

/** As the API's, in the same shape. There are `deps` once the process has what it needs; before, something may be `awaited`. */
export const tellingHealth = (name: string, now: () => { deps?: Deps; awaited?: string }): Answers => ({
  "/health": async () => ({ text: JSON.stringify(ALIVE) }),
  "/health/ready": async () => {
    const { deps, awaited } = now();
    const readiness = deps ? readinessOf(await componentsOf(deps, name)) : notReady(name, awaited);
    return { status: readiness.status === "up" ? 200 : 503, text: JSON.stringify(readiness) };
  },
});

import { within } from "../time/deadline.ts";
import type { Component, Readiness } from "../contract/answers/health.ts";
import type { Deps } from "../deps.ts";
import { assertWritable } from "../store/postgres/pool.ts";

/** A server that answers later than this is as good as away. */
export const PATIENCE_MS = 2_000;

/** Of a process that answers. */
export const ALIVE = { edition: "community", status: "ok" } as const;

export const readinessOf = (components: Component[]): Readiness => ({
  status: components.every(({ status }) => status === "up") ? "up" : "down",
  components,
});

/** Of a process that starts, and waits for this component, if for any. */
export const notReady = (self: string, awaited?: string): Readiness =>
  readinessOf([self, ...(awaited ? [awaited] : [])].map((name) => ({ name, status: "down", latency_ms: 0 })));

/** Whether a request can be served now: each thing it needs is up, and this process is not stopping. */
export function componentsOf(
  { db, temporal, stopping }: Deps,
  self = "api",
  reachPostgres = assertWritable,
): Promise<Component[]> {
  const { namespace } = temporal.options;
  const reachNamespace = () => temporal.workflowService.describeNamespace({ namespace });
  return Promise.all([
    ...(stopping.aborted ? [component(self, () => Promise.reject(stopping.reason))] : []),
    component("postgres", () => reachPostgres(db)),
    component("temporal", () => temporal.withDeadline(Date.now() + PATIENCE_MS, reachNamespace)),
  ]);
}

async function component(name: string, reach: () => Promise<unknown>): Promise<Component> {
  const started = performance.now();
  const status = await within(PATIENCE_MS, reach(), () => new Error(`${name} is too late`)).then(
    () => "up" as const,
    () => "down" as const,
  );
  return { name, status, latency_ms: Math.round(performance.now() - started) };
}

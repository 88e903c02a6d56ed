import { within } from "../deadline.ts";
import type { Component } from "../contract/health.ts";
import type { Deps } from "../deps.ts";
import { assertWritable } from "../store/pool.ts";

/** A server that answers later than this is as good as away. */
const PATIENCE_MS = 2_000;

/** Whether a request that comes now can be served: of what it needs, what is up, and that this process is not stopping. */
export function componentsOf({ db, temporal, stopping }: Deps): Promise<Component[]> {
  const { namespace } = temporal.options;
  const reachNamespace = () => temporal.workflowService.describeNamespace({ namespace });
  return Promise.all([
    ...(stopping.aborted ? [component("api", () => Promise.reject(stopping.reason))] : []),
    component("postgres", () => assertWritable(db)),
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

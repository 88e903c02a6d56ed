import type { WorkflowBundleOption } from "@temporalio/worker";
import type { Config } from "./config.ts";
import { sayIfSlow, type Say } from "./dev/progress.ts";
import { createApp } from "./http/app.ts";
import { serve } from "./runtime/http-server.ts";
import { gaugeGates, gaugePools, gaugeServers, gaugeWorker } from "./runtime/metrics/gauges.ts";
import { startMetrics } from "./runtime/metrics/metrics.ts";
import { open } from "./runtime/open.ts";
import type { Running } from "./runtime/process.ts";
import { serveAside, tellingMetrics } from "./runtime/side-port.ts";
import { installRuntime, startWorker } from "./runtime/worker.ts";

/** The worker and the API in one process. `ended` rejects when the worker fails. */
export async function startAllInOne(
  config: Config,
  running: Running & Required<Pick<Running, "log">>,
  bundle: Promise<WorkflowBundleOption>,
  say: Say,
): Promise<{ apiUrl: string; ended: Promise<unknown> }> {
  const { onStop, log } = running;
  const { host, metricsPort } = config;
  const metrics = metricsPort === undefined ? undefined : await startMetrics();
  installRuntime(log, metrics?.sdkAt);
  const deps = await sayIfSlow(say, "Connecting, and bringing the database up to date", open(config, running));
  const packed = await sayIfSlow(say, "Packing the workflows (once for each version of them)", bundle);
  const worker = await sayIfSlow(say, "Starting the worker", startWorker(deps, packed));
  onStop(worker.stop, worker.waitsFor);
  if (metrics && metricsPort !== undefined) {
    gaugePools(metrics.registry, deps);
    gaugeServers(metrics.registry, deps);
    gaugeGates(metrics.registry, deps);
    gaugeWorker(metrics.registry, worker.load);
    await serveAside({ variable: "METRICS_PORT", host, port: metricsPort }, running, tellingMetrics(metrics));
  }
  const server = await serve(createApp(deps), host, config.port);
  onStop(server.close, server.waitsFor);
  return { apiUrl: `http://localhost:${server.port}`, ended: worker.ended };
}

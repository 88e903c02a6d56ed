import { setFlagsFromString } from "node:v8";
import { loadConfig } from "./config.ts";
import type { Deps } from "./deps.ts";
import { createLog } from "./log.ts";
import { bundleWorkflows } from "./runtime/bundle.ts";
import { gaugePools, gaugeServers, gaugeWorker } from "./runtime/metrics/gauges.ts";
import { startMetrics } from "./runtime/metrics/metrics.ts";
import { open } from "./runtime/open.ts";
import { runProcess } from "./runtime/process.ts";
import { serveAside, tellingHealth, tellingMetrics } from "./runtime/side-port.ts";
import { installRuntime, startWorker } from "./runtime/worker.ts";

// V8 lets a heap grow to a multiple of what is in use before it collects garbage, and every run that leaves the cache is garbage.
// This takes a third less memory and no more time. The API does not have it: its lists took a fifth longer.
setFlagsFromString("--heap-growing-percent=30");

await runProcess(async (running) => {
  const config = loadConfig();
  const log = createLog(config, "worker");
  running.log = log;
  const { host, workerPort } = config;
  const metrics = workerPort === undefined ? undefined : await startMetrics();
  installRuntime(log, metrics?.sdkAt);
  const now: { deps?: Deps; awaited?: string } = {};
  if (metrics && workerPort !== undefined) {
    const answers = { ...tellingHealth("worker", () => now), ...tellingMetrics(metrics) };
    await serveAside({ variable: "WORKER_PORT", host, port: workerPort }, running, answers);
  }
  const deps = await open(config, {
    ...running,
    log,
    waits: (component) => {
      now.awaited = component;
    },
  });
  const worker = await startWorker(deps, await bundleWorkflows());
  running.onStop(worker.stop, worker.waitsFor);
  now.deps = deps;
  if (metrics) {
    gaugePools(metrics.registry, deps);
    gaugeServers(metrics.registry, deps);
    gaugeWorker(metrics.registry, worker.load);
  }
  log.info("polling");
  await worker.ended;
});

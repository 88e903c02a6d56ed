import { loadConfig } from "./config.ts";
import { createApp } from "./http/app.ts";
import { createLog } from "./log.ts";
import { serve } from "./runtime/http-server.ts";
import { gaugeGates, gaugePools, gaugeServers } from "./runtime/metrics/gauges.ts";
import { startMetrics } from "./runtime/metrics/metrics.ts";
import { open } from "./runtime/open.ts";
import { runProcess } from "./runtime/process.ts";
import { serveAside, tellingMetrics } from "./runtime/side-port.ts";
import { installRuntime } from "./runtime/worker.ts";

await runProcess(async (running) => {
  const config = loadConfig();
  const log = createLog(config, "api");
  running.log = log;
  const { host, metricsPort } = config;
  const metrics = metricsPort === undefined ? undefined : await startMetrics();
  installRuntime(log, metrics?.sdkAt);
  const deps = await open(config, { ...running, log });
  if (metrics && metricsPort !== undefined) {
    gaugePools(metrics.registry, deps);
    gaugeServers(metrics.registry, deps);
    gaugeGates(metrics.registry, deps);
    await serveAside({ variable: "METRICS_PORT", host, port: metricsPort }, running, tellingMetrics(metrics));
  }
  const server = await serve(createApp(deps), host, config.port);
  running.onStop(server.close, server.waitsFor);
  log.info({ host, port: server.port }, "listening");
});

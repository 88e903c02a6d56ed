import { loadConfig } from "./config.ts";
import { createApp } from "./http/app.ts";
import { createLog } from "./log.ts";
import { frontDoor } from "./runtime/front-door.ts";
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
  const door = frontDoor(config, { ...running, log });
  const metrics = metricsPort === undefined ? undefined : await startMetrics();
  installRuntime(log, metrics?.sdkAt);
  if (metrics && metricsPort !== undefined)
    await serveAside({ variable: "METRICS_PORT", host, port: metricsPort }, running, tellingMetrics(metrics));
  const deps = await open(config, { ...running, log, waits: door.waits });
  if (metrics) {
    gaugePools(metrics.registry, deps);
    gaugeServers(metrics.registry, deps);
    gaugeGates(metrics.registry, deps);
  }
  const server = await door.leadsTo(createApp(deps));
  log.info({ host, port: server.port }, "listening");
});

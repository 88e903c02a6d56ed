import { join } from "node:path";
import pino from "pino";
import { startJobServer } from "../examples/job-server.ts";
import { linkToDecide, loadExamples } from "../examples/load.ts";
import { mintToken } from "./cli/mint.ts";
import { loadDevConfig } from "./config.ts";
import { startEmbeddedStack } from "./dev/stack.ts";
import { welcome } from "./dev/welcome.ts";
import { createApp } from "./http/app.ts";
import { createLog } from "./log.ts";
import { bundleWorkflows } from "./runtime/bundle.ts";
import { serve } from "./runtime/http-server.ts";
import { gaugeGates, gaugePools, gaugeServers, gaugeWorker } from "./runtime/metrics/gauges.ts";
import { startMetrics } from "./runtime/metrics/metrics.ts";
import { open } from "./runtime/open.ts";
import { runProcess } from "./runtime/process.ts";
import { serveAside, tellingMetrics } from "./runtime/side-port.ts";
import { installRuntime, startWorker } from "./runtime/worker.ts";

const say = (line: string) => console.log(line);

await runProcess(async (running) => {
  const { onStop } = running;
  const dev = loadDevConfig();
  const bundle = bundleWorkflows();
  // It is awaited far below, where its error is handled.
  bundle.catch(() => {});
  const stack = await startEmbeddedStack(dev, say);
  onStop(stack.stop);
  const { config } = stack;
  const logFile = join(dev.dataDir, "app.log");
  const log = createLog(config, undefined, pino.destination({ dest: logFile, sync: false, mode: 0o600 }));
  running.log = log;
  const { host, metricsPort } = config;
  const metrics = metricsPort === undefined ? undefined : await startMetrics();
  installRuntime(log, metrics?.sdkAt);
  const deps = await open(config, { ...running, log });
  const jobs = await startJobServer(dev.exampleJobsPort);
  onStop(jobs.close);
  const worker = await startWorker(deps, await bundle);
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

  const apiUrl = `http://localhost:${server.port}`;
  const token = mintToken(config.auth, { sub: "release-manager", projects: ["demo"], scopes: ["*"] });
  const { waitingRunId } = await loadExamples({ apiUrl, token, jobsUrl: `http://127.0.0.1:${jobs.port}`, log: say });
  const link = await linkToDecide({ apiUrl, token, waitingRunId });
  say(welcome({ dev, apiUrl, token, waitingRunId, link }));
  onStop(async () => say("Stopping ..."));
  await worker.ended;
});

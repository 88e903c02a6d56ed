import { once } from "node:events";
import { type AddressInfo, createServer } from "node:net";
import { collectDefaultMetrics, Gauge, Registry } from "prom-client";
import { countRuns } from "./runs.ts";
import { countTraffic } from "./traffic.ts";
import { boundedTypes } from "./workflow-types.ts";

const SDK_WITHIN_MS = 2_000;

export interface Metrics {
  registry: Registry;
  /** Where the SDK is to tell its own, on this machine alone. */
  sdkAt: string;
  /** All of them, as Prometheus reads them. */
  text(): Promise<string>;
}

/** From here on what passes is counted. */
export async function startMetrics(): Promise<Metrics> {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  dropMisnamed(registry);
  countTraffic(registry);
  countRuns(registry);
  const sdkAt = await freeAddress();
  const bounded = boundedTypes();
  const ofSdk = async () => {
    const answer = await fetch(`http://${sdkAt}/metrics`, { signal: AbortSignal.timeout(SDK_WITHIN_MS) });
    return bounded(await answer.text());
  };
  return {
    registry,
    sdkAt,
    // The SDK's are missing rather than that they would take the others with them.
    text: async () => (await Promise.all([registry.metrics(), ofSdk().catch(() => "")])).join("\n"),
  };
}

/** Gauges that have a counter's name, which promtool refuses. Each is but the sum of another one of Node's. */
function dropMisnamed(registry: Registry): void {
  for (const metric of registry.getMetricsAsArray())
    if (metric instanceof Gauge && metric.name.endsWith("_total")) registry.removeSingleMetric(metric.name);
}

/** The SDK tells nobody which port it has taken. */
async function freeAddress(): Promise<string> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, "close");
  return `127.0.0.1:${port}`;
}

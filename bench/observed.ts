import { setTimeout as sleep } from "node:timers/promises";
import pg from "pg";
import { request } from "undici";
import { manyAtOnce } from "./load.ts";
import { printMachine } from "./machine.ts";
import { readOptions } from "./options.ts";
import { startApart } from "./product.ts";
import { ratio, rounds, short, spread } from "./rounds.ts";
import { cpuSeconds } from "./servers/cpu.ts";
import { type Servers, withServers } from "./servers/index.ts";
import { makeNamespace } from "./servers/namespace.ts";
import { definitionOf, shapes } from "./shapes.ts";
import { printTable } from "./table.ts";
import { freePort } from "../src/dev/ports.ts";

/** Three deployments on the same servers, each with a database and a namespace of its own: metrics and traces off, one on, the other on. */
const CLIENTS = 16;
const SCRAPED_EVERY_MS = 15_000;
const options = readOptions({ rounds: 6, seconds: 8 });
printMachine(options);

await withServers(options.temporal, async (servers) => {
  const [apiPort, workerPort] = [await freePort(), await freePort()];
  const variables = {
    off: {},
    metrics: { METRICS_PORT: String(apiPort), WORKER_PORT: String(workerPort) },
    // The endpoint takes what a collector would.
    traces: { OTEL_EXPORTER_OTLP_ENDPOINT: servers.endpointUrl },
  };
  const off = await deployed(servers, "off", variables.off);
  const metrics = await deployed(servers, "metrics", variables.metrics);
  const traces = await deployed(servers, "traces", variables.traces);
  const measured = await rounds(options.rounds, {
    off,
    metrics: () => scraping([apiPort, workerPort], metrics),
    traces,
  });

  const names = Object.keys(measured) as (keyof typeof measured)[];
  const of = (name: keyof typeof measured, figure: "aSecond" | "cpu") => measured[name].map((round) => round[figure]);
  printTable(
    `Chains of 5 by ${CLIENTS} clients (${options.temporal}), ${options.rounds} rounds`,
    names.map((name) => ({
      on: name === "off" ? "nothing" : name,
      "runs/s": spread(of(name, "aSecond")),
      "to nothing": short(ratio(of(name, "aSecond"), of("off", "aSecond"))),
      "CPU ms a run, API and worker": spread(of(name, "cpu")),
      "to nothing ": short(ratio(of(name, "cpu"), of("off", "cpu"))),
    })),
  );
});

/** An API and a worker of their own, and what a round of chains measures of them. */
async function deployed(servers: Servers, name: string, on: Record<string, string>) {
  const database = new pg.Client(servers.databaseUrl);
  await database.connect();
  await database.query(`create database ${name}`);
  await database.end();
  await makeNamespace(servers.temporalAddress, name);
  const at = new URL(servers.databaseUrl);
  at.pathname = `/${name}`;
  const own = { DATABASE_URL: at.href, TEMPORAL_NAMESPACE: name };
  const pids: Record<string, number> = {};
  const product = await startApart({ ...servers, pids, variables: { ...servers.variables, ...own, ...on } });
  await product.startWorker();
  const workflow = await product.createWorkflow(definitionOf(shapes.chain, await product.createJob("delay=0")));
  const cpu = () => Object.values(cpuSeconds(pids)).reduce((sum, seconds) => sum + seconds, 0);

  return async () => {
    const before = cpu();
    const enough = AbortSignal.timeout(options.seconds * 1000);
    const { runs, aSecond } = await manyAtOnce(CLIENTS, enough, async () =>
      product.completed(await product.trigger(workflow)),
    );
    return { aSecond, cpu: ((cpu() - before) * 1000) / runs };
  };
}

async function scraping<Measured>(ports: number[], measure: () => Promise<Measured>): Promise<Measured> {
  const enough = new AbortController();
  const scraped = (async () => {
    while (!enough.signal.aborted) {
      for (const port of ports) await (await request(`http://127.0.0.1:${port}/metrics`)).body.text();
      await sleep(SCRAPED_EVERY_MS, undefined, { signal: enough.signal }).catch(() => {});
    }
  })();
  try {
    return await measure();
  } finally {
    enough.abort();
    await scraped;
  }
}

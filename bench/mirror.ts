import { Client, Connection } from "@temporalio/client";
import { manyAtOnce } from "./load.ts";
import { printMachine } from "./machine.ts";
import { mirrorLags } from "./mirror/lag.ts";
import { readOptions } from "./options.ts";
import { type Product, startProduct } from "./product.ts";
import { median, quantile, ratio, rounds, short, spread } from "./rounds.ts";
import { type Servers, withServers } from "./servers/index.ts";
import { makeNamespace } from "./servers/namespace.ts";
import { definitionOf, shapes, stepsOf } from "./shapes.ts";
import { printTable } from "./table.ts";

const CLIENTS = 32;
/** Whose histories are counted, of each round. */
const SAMPLES = 5;
const WITHOUT = "without-mirror";
const options = readOptions({ rounds: 5, seconds: 8 });
printMachine(options);

const bench = async (servers: Servers) => {
  // Each in a namespace of its own: two workers in one would share the runs.
  await makeNamespace(servers.temporalAddress, WITHOUT);
  const mirrored = await startProduct(servers);
  const without = await startProduct(servers, { TEMPORAL_NAMESPACE: WITHOUT, BENCH_MIRROR: "off" }, WITHOUT);
  const connection = await Connection.connect({ address: servers.temporalAddress });
  const results = await rounds(options.rounds, {
    with: await measured(mirrored, new Client({ connection })),
    without: await measured(without, new Client({ connection, namespace: WITHOUT })),
  });
  await connection.close();

  const of = (name: keyof typeof results, member: "aSecond" | "eventsAStep") =>
    results[name].map((result) => result[member]);
  printTable(
    `Chain of 5, ${CLIENTS} clients, triggered over HTTP and awaited at Temporal (${options.temporal}), ${options.rounds} rounds`,
    (["with", "without"] as const).map((name) => ({
      mirror: name,
      "runs/s": spread(of(name, "aSecond")),
      "history events a step": spread(of(name, "eventsAStep")),
    })),
  );
  console.log(`Throughput with the mirror / without: ${short(ratio(of("with", "aSecond"), of("without", "aSecond")))}`);

  const lags = await mirrorLags(servers.databaseUrl);
  printTable(
    "Mirror lag under that load: from what the run's clock says to the commit of the row that shows it, ms",
    Object.entries(lags).map(([row, all]) => ({
      row,
      rows: all.length,
      ...{ p50: short(median(all)), p99: short(quantile(all, 0.99)), max: short(quantile(all, 1)) },
    })),
  );
};
await withServers(options.temporal, bench, ["track_commit_timestamp=on"]);

async function measured(product: Product, client: Client) {
  const workflow = await product.createWorkflow(definitionOf(shapes.chain, await product.createJob("delay=0")));
  return async () => {
    const runIds: string[] = [];
    const { aSecond } = await manyAtOnce(CLIENTS, AbortSignal.timeout(options.seconds * 1000), async () => {
      const runId = await product.trigger(workflow);
      await client.workflow.getHandle(runId).result();
      runIds.push(runId);
    });
    const histories = runIds.slice(-SAMPLES).map((runId) => client.workflow.getHandle(runId).fetchHistory());
    const events = (await Promise.all(histories)).map((history) => history.events?.length ?? 0);
    return { aSecond, eventsAStep: median(events) / stepsOf(shapes.chain) };
  };
}

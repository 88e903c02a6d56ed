import { setTimeout as sleep } from "node:timers/promises";
import { lightGets } from "./polls/light-gets.ts";
import { manyAtOnce, timed } from "./load.ts";
import { printMachine } from "./machine.ts";
import { readOptions } from "./options.ts";
import { startProduct } from "./product.ts";
import { median, quantile, ratio, rounds, short, spread } from "./rounds.ts";
import { cpuARun, cpuSeconds } from "./servers/cpu.ts";
import { withServers } from "./servers/index.ts";
import { definitionOf, shapes } from "./shapes.ts";
import { printTable } from "./table.ts";

/** Who trigger chains and wait for their end, and beside them, who look at a run that is under way, again and again. */
const CLIENTS = 16;
const POLLERS = 16;
const LEAST_PAUSE_MS = 5;
const MOST_PAUSE_MS = 250;
const options = readOptions({ rounds: 5, seconds: 8 });
printMachine(options);

await withServers(options.temporal, async (servers) => {
  const product = await startProduct(servers);
  const workflow = await product.createWorkflow(definitionOf(shapes.chain, await product.createJob("delay=0")));
  const underWay = new Set<string>();
  const run = async () => {
    const runId = await product.trigger(workflow);
    underWay.add(runId);
    await product.completed(runId);
    underWay.delete(runId);
  };
  const poll = async (enough: AbortSignal, took: number[], get: (path: string) => Promise<void>) => {
    for (let nth = 0; !enough.aborted; nth++) {
      const runs = [...underWay];
      const runId = runs[Math.floor(Math.random() * runs.length)];
      const path = `/v1/workflow-runs/${runId}${nth % 2 === 0 ? "" : "/steps"}`;
      if (runId) took.push(await timed(() => get(path)));
      await sleep(LEAST_PAUSE_MS + Math.random() * (MOST_PAUSE_MS - LEAST_PAUSE_MS));
    }
  };
  const measured = (pollers: number, origin: string) => async () => {
    const connections = Array.from({ length: pollers }, () => lightGets(origin, product.token));
    const enough = AbortSignal.timeout(options.seconds * 1000);
    const took: number[] = [];
    const polling = connections.map(({ get }) => poll(enough, took, get));
    const before = cpuSeconds(servers.pids);
    const { aSecond, runs } = await manyAtOnce(CLIENTS, enough, run);
    const cpu = cpuARun(before, cpuSeconds(servers.pids), runs);
    await Promise.all(polling);
    for (const { close } of connections) close();
    return { aSecond, took, cpu };
  };
  const results = await rounds(options.rounds, {
    with: measured(POLLERS, product.url),
    without: measured(0, product.url),
    // They share the machine with the runs. The endpoint answers any GET at once, without a look at anything.
    elsewhere: measured(POLLERS, servers.endpointUrl),
  });

  const throughputs = (name: keyof typeof results) => results[name].map(({ aSecond }) => aSecond);
  const processes = Object.keys(servers.pids);
  const cpuOf = (name: keyof typeof results) =>
    processes.map((each) => [each, short(median(results[name].map(({ cpu }) => cpu[each] ?? 0)))]);
  printTable(
    `Chains of 5 by ${CLIENTS} clients (${options.temporal}), ${options.rounds} rounds; CPU milliseconds a run by process`,
    (["with", "without", "elsewhere"] as const).map((name) => ({
      [`${POLLERS} pollers`]: name,
      "runs/s": spread(throughputs(name)),
      ...Object.fromEntries(cpuOf(name)),
    })),
  );
  console.log(`Throughput with pollers / without: ${short(ratio(throughputs("with"), throughputs("without")))}`);
  console.log(`Throughput with pollers / elsewhere: ${short(ratio(throughputs("with"), throughputs("elsewhere")))}`);
  const looks = results.with.map(({ took }) => took);
  const of = (q: number) => spread(looks.map((took) => quantile(took, q)));
  printTable("GET of a run or of its steps while they run, ms", [
    { requests: looks.flat().length, p50: of(0.5), p99: of(0.99), max: short(Math.max(...looks.flat())) },
  ]);
  console.log(`p50 ${short(median(looks.map((took) => median(took))))}`);
});

import { Client, Connection } from "@temporalio/client";
import { handWritten, startHandWritten } from "./hand-written/subject.ts";
import { manyAtOnce, oneAtATime } from "./load.ts";
import { printMachine } from "./machine.ts";
import { readOptions } from "./options.ts";
import { overHttp, startProduct } from "./product.ts";
import { median, ratio, rounds, short, spread } from "./rounds.ts";
import { assertCalledOnce } from "./servers/counts.ts";
import { cpuARun, cpuSeconds } from "./servers/cpu.ts";
import { withServers } from "./servers/index.ts";
import { type Shape, shapes } from "./shapes.ts";
import type { Subject } from "./subject.ts";
import { printTable } from "./table.ts";

/** The product against a hand-written workflow, from the trigger over HTTP to the completed run. */
interface Contest {
  shape: Shape;
  lane: string;
  subjects: [product: Subject, byHand: Subject];
  /** Runs one at a time in a round. */
  runs: number;
  clients: number;
}

interface Measured {
  latency: number;
  runsASecond: number;
  /** CPU milliseconds a run under load, by process. */
  cpu: Record<string, number>;
}

const SLOW_MS = 400;
const options = readOptions({ rounds: 5, seconds: 8 });
printMachine(options);

await withServers(options.temporal, async (servers) => {
  for (let n = 1; n <= options.busy; n++) {
    await servers.startScript(`busy-${n}`, "servers/busy.ts", {});
    // Not to be counted as what a run takes.
    delete servers.pids[`busy-${n}`];
  }
  const product = await startProduct(servers);
  await startHandWritten(servers);
  const connection = await Connection.connect({ address: servers.temporalAddress });
  const client = new Client({ connection });
  const quick: Contest["subjects"] = [overHttp(product), handWritten(client, "local", servers.endpointUrl)];
  const slow: Contest["subjects"] = [
    overHttp(product, SLOW_MS),
    handWritten(client, "ordinary", servers.endpointUrl, SLOW_MS),
  ];
  const contests: Record<string, Contest> = {
    ...Object.fromEntries(
      Object.entries(shapes).map(([name, shape]) => [
        name,
        { shape, lane: "local", subjects: quick, runs: 20, clients: 32 },
      ]),
    ),
    slow: { shape: shapes.chain, lane: `ordinary, ${SLOW_MS} ms`, subjects: slow, runs: 3, clients: 256 },
  };
  if (options.shape !== undefined && !(options.shape in contests))
    throw new Error(`--shape is one of ${Object.keys(contests).join(", ")}`);

  const rows: Record<string, string>[] = [];
  const cpuRows: Record<string, string>[] = [];
  for (const [name, contest] of Object.entries(contests)) {
    if (options.shape !== undefined && options.shape !== name) continue;
    const [ours, theirs] = contest.subjects;
    const measured = await rounds(options.rounds, {
      ours: () => measure(ours, contest, servers.pids),
      theirs: () => measure(theirs, contest, servers.pids),
    });
    rows.push(rowOf(contest, measured.ours, measured.theirs));
    cpuRows.push(...contest.subjects.map((subject, n) => cpuRow(contest, subject, measured[n ? "theirs" : "ours"])));
    console.error(JSON.stringify(rows.at(-1)));
  }
  await connection.close();

  const kind = options.temporal === "dev" ? "the dev server" : "a server on PostgreSQL";
  printTable(`Trigger to completed, Temporal as ${kind}: median (least..most) of ${options.rounds} rounds`, rows);
  printTable("CPU milliseconds a run under load, medians", cpuRows);
  console.log();
  const sum = (n: 0 | 1) => quick[n].stepsRun + slow[n].stepsRun;
  await assertCalledOnce(servers.endpointUrl, { product: sum(0), "hand-written": sum(1) });
});

async function measure(subject: Subject, contest: Contest, pids: Record<string, number>): Promise<Measured> {
  const { shape, runs, clients } = contest;
  const latency = median(await oneAtATime(runs, () => subject.run(shape)));
  const before = cpuSeconds(pids);
  const load = await manyAtOnce(clients, AbortSignal.timeout(options.seconds * 1000), () => subject.run(shape));
  return { latency, runsASecond: load.aSecond, cpu: cpuARun(before, cpuSeconds(pids), load.runs) };
}

function rowOf({ shape, lane, clients }: Contest, ours: Measured[], theirs: Measured[]): Record<string, string> {
  const latencies = [ours, theirs].map((all) => all.map(({ latency }) => latency)) as [number[], number[]];
  const throughputs = [ours, theirs].map((all) => all.map(({ runsASecond }) => runsASecond)) as [number[], number[]];
  return {
    shape: shape.name,
    lane,
    "product, ms": spread(latencies[0]),
    "by hand, ms": spread(latencies[1]),
    "ratio ": short(ratio(...latencies)),
    clients: String(clients),
    "product, runs/s": spread(throughputs[0]),
    "by hand, runs/s": spread(throughputs[1]),
    ratio: short(ratio(...throughputs)),
  };
}

function cpuRow({ shape }: Contest, { name }: Subject, measured: Measured[]): Record<string, string> {
  const groups = Object.keys(measured[0]?.cpu ?? {});
  const medians = groups.map((group) => [group, median(measured.map(({ cpu }) => cpu[group] ?? 0))] as const);
  const total = medians.reduce((sum, [, ms]) => sum + ms, 0);
  return {
    shape: shape.name,
    of: name,
    ...Object.fromEntries(medians.map(([group, ms]) => [group, ms.toFixed(1)])),
    total: total.toFixed(1),
  };
}

import { Client, Connection } from "@temporalio/client";
import { manyAtOnce } from "./load.ts";
import { overHttp, startProduct } from "./product.ts";
import { cpuSeconds } from "./servers/cpu.ts";
import { withServers } from "./servers/index.ts";
import { shapes } from "./shapes.ts";
const shape = shapes[process.argv[2] as "chain"];
const clients = Number(process.argv[3] ?? 32);
const vars = process.env.PROF ? { CPU_PROF: "1" } : {};
await withServers("postgres", async (servers) => {
  const product = await startProduct(servers, vars as never);
  const subject = overHttp(product);
  await manyAtOnce(4, AbortSignal.timeout(2000), () => subject.run(shape));
  const before = cpuSeconds(servers.pids);
  const load = await manyAtOnce(clients, AbortSignal.timeout(8000), () => subject.run(shape));
  const after = cpuSeconds(servers.pids);
  console.log(load.aSecond, Object.fromEntries(Object.entries(after).map(([n, s]) => [n, (((s - (before[n] ?? 0)) * 1000) / load.runs).toFixed(1)])));
  const client = new Client({ connection: await Connection.connect({ address: servers.temporalAddress }) });
  const counts: Record<string, number> = {};
  let n = 0;
  for await (const w of client.workflow.list({ query: "ExecutionStatus='Completed'" })) {
    const h = await client.workflow.getHandle(w.workflowId, w.runId).fetchHistory();
    for (const e of h.events ?? []) {
      const k = Object.keys(e).find((x) => x.endsWith("Attributes")) ?? "?";
      counts[k] = (counts[k] ?? 0) + 1;
    }
    if (n === 3) console.log(h.events?.map((e) => `${Number(e.eventTime?.seconds) % 1000}.${Math.round((e.eventTime?.nanos ?? 0) / 1e6)} ${Object.keys(e).find((x) => x.endsWith("Attributes"))?.replace("EventAttributes", "")}`).join("\n"));
    if (++n === 60) break;
  }
  console.log(Object.fromEntries(Object.entries(counts).map(([k, v]) => [k, v / n])));
  await product.stop();
});

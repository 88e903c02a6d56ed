import { setTimeout as sleep } from "node:timers/promises";
import { parseArgs } from "node:util";
import { printMachine } from "../machine.ts";
import { withServers } from "../servers/index.ts";
import { printTable } from "../table.ts";
import { readDashboard } from "./dashboard.ts";
import { deploy } from "./deployment.ts";
import { startPrometheus } from "./prometheus.ts";
import { troublesOf } from "./staged.ts";

// Stages the troubles that alerts are for, one after another, before a real Prometheus (Debian: prometheus) with the shipped rules: each
// has to fire its alert and no other, also while it passes. What the panels of the dashboard show before and meanwhile is printed.

/** In minutes of the rules, as are all below. The longest of them look five back, and wait for four. */
const ORDINARY = 8;
const LASTS = 10;
const PASSES = 10;
/** What has piled up without a worker is explained for so long. */
const PASSES_WITHOUT_WORKER = 17;

const { values } = parseArgs({
  options: {
    temporal: { type: "string", default: "dev" },
    /** Minutes of the rules are shorter by this factor: 1 is as shipped. Above 5 a scrape is given up before it can say that a server is away. */
    speed: { type: "string", default: "5" },
    /** Only those with one of these words in their name. */
    only: { type: "string", default: "" },
  },
});
if (values.temporal !== "dev" && values.temporal !== "postgres") throw new Error("--temporal is dev or postgres");
const speed = Number(values.speed);
const minutes = (count: number) => (count * 60_000) / speed;
printMachine(values);

await withServers(values.temporal, async (servers) => {
  const deployment = await deploy(servers);
  const prometheus = await startPrometheus(deployment.targets, speed);
  servers.onStop(prometheus.stop);
  const words = values.only.split(",");
  const troubles = troublesOf(servers, deployment).filter(({ name }) => words.some((word) => name.includes(word)));
  await sleep(minutes(ORDINARY));

  const rows = [];
  for (const { name, alert, begin } of troubles) {
    /** Which fired, and when first and last, in minutes from the beginning. */
    const fired = new Map<string, { from: number; to: number }>();
    const startedAt = Date.now();
    const minute = () => Math.round((Date.now() - startedAt) / minutes(0.1)) / 10;
    const watch = async (count: number) => {
      for (const until = Date.now() + minutes(count); Date.now() < until; await sleep(1_000))
        for (const one of (await prometheus.alerts()).filter(({ state }) => state === "firing"))
          fired.set(one.name, { from: minute(), ...fired.get(one.name), to: minute() });
    };
    const before = await readDashboard(prometheus, speed);
    const end = await begin();
    await watch(LASTS);
    const meanwhile = await readDashboard(prometheus, speed);
    await end();
    await watch(alert === "WorkerGone" ? PASSES_WITHOUT_WORKER : PASSES);

    console.log(`\n${name}: the panels before, and meanwhile`);
    for (const [title, shown] of meanwhile) console.log(`  ${title}\n    ${before.get(title)}\n    ${shown}`);
    const told = [...fired].map(([one, { from, to }]) => `${one} from ${from} to ${to}`).join(", ");
    rows.push({ trouble: name, "has to fire": alert, "fired, in minutes": told });
    console.error(rows.at(-1));
    if ([...fired.keys()].join() !== alert) process.exitCode = 1;
  }
  printTable(`Alerts (${values.temporal}), each trouble for ${LASTS} minutes of the rules`, rows);
});

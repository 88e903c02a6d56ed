import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import type { Case } from "./lists/case.ts";
import { casesOn, CLOSED_RUN } from "./lists/cases.ts";
import { fillInbox } from "./lists/inbox.ts";
import { indexesOf } from "./lists/explain.ts";
import { fill } from "./lists/fill.ts";
import { load, type Measured } from "./lists/load.ts";
import { startServers, token } from "./lists/servers.ts";
import { printMachine } from "./machine.ts";
import { quantile, ratio, rounds, spread } from "./rounds.ts";
import { serveIn } from "./servers/serve-in.ts";
import { printTable } from "./table.ts";

// Lists and closed runs over a mirror of a million runs: the API in one process, PostgreSQL with its defaults, and
// this client share the machine.

const { values } = parseArgs({
  options: {
    runs: { type: "string", default: "1000000" },
    rounds: { type: "string", default: "5" },
    secs: { type: "string", default: "1" },
    /** API processes. */
    apis: { type: "string", default: "1" },
    /** Where the filled database is kept for the next time; else it is removed. */
    data: { type: "string" },
  },
});
const CLIENTS = 16;

const dataDir = values.data ? resolve(values.data) : mkdtempSync(join(tmpdir(), "workflow-runs-lists-"));
const stops: (() => Promise<unknown>)[] = [];
try {
  await bench();
} finally {
  for (const stop of stops.reverse()) await stop();
  if (!values.data) rmSync(dataDir, { recursive: true, force: true });
}

async function bench(): Promise<void> {
  const { db, databaseUrl, variables } = await startServers(dataDir, (stop) => stops.push(stop));
  const { rows } = await db.query("select exists (select from workflow_runs) as filled");
  if (!rows[0].filled) await fill(databaseUrl, Number(values.runs));
  await fillInbox(db);

  const origins: string[] = [];
  for (let i = 0; i < Number(values.apis); i++) {
    const api = await serveIn("src/api.ts", variables);
    stops.push(api.stop);
    origins.push(api.origin);
  }
  const bare = await serveIn("bench/lists/bare-server.ts", variables);
  stops.push(bare.stop);

  const cases = await casesOn(db, origins[0] as string, token);
  const indexes = new Map<Case, string>();
  for (const one of cases) {
    const used = new Set<string>();
    for (const statement of one.statements) used.add(await indexesOf(db, statement));
    indexes.set(one, [...used].join("; "));
  }
  printMachine(values);
  printTable(
    "Indexes used, by the plan for the values asked for and by the one for any",
    cases.map((one) => ({ question: one.name, indexes: indexes.get(one) ?? "" })),
  );

  const lists = { name: "any list", paths: interleaved(cases.filter(({ kind }) => kind === "list")) };
  const closed = cases.find(({ name }) => name === CLOSED_RUN) as Case;
  const bareRow = { name: "its bare row", paths: closed.paths.map((path) => path.replace("/v1/workflow-runs", "")) };
  const questions = [...cases, lists, bareRow].map(({ name, paths }) => {
    const ask = (clients: number) =>
      load(name === bareRow.name ? [bare.origin] : origins, paths, { clients, secs: Number(values.secs), token });
    return { name, alone: () => ask(1), together: () => ask(CLIENTS) };
  });
  const measured = await rounds(
    Number(values.rounds),
    Object.fromEntries(
      questions.flatMap(({ name, alone, together }) => [
        [`${name}, alone`, alone],
        [name, together],
      ]),
    ),
  );

  const at = (share: number, of: Measured[]) => of.map(({ latencies }) => quantile(latencies, share));
  const aSecond = (name: string) => (measured[name] ?? []).map(({ latencies, secs }) => latencies.length / secs);
  printTable(
    `${values.runs} runs, ${values.apis} API process(es), limit 50, ms; median of ${values.rounds} rounds of ${values.secs} s (least..most)`,
    questions.map(({ name }) => {
      const [alone, together] = [measured[`${name}, alone`] ?? [], measured[name] ?? []];
      return {
        question: name,
        "1 client: p50": spread(at(0.5, alone)),
        p99: spread(at(0.99, alone)),
        [`${CLIENTS} clients: p50`]: spread(at(0.5, together)),
        "p99 ": spread(at(0.99, together)),
        "a second": spread(aSecond(name)),
        "p99 to 1 client's": ratio(at(0.99, together), at(0.99, alone)).toFixed(1),
      };
    }),
  );
  console.log(
    `\n${CLOSED_RUN} a second, to its bare row: ${ratio(aSecond(CLOSED_RUN), aSecond(bareRow.name)).toFixed(2)}`,
  );
}

/** The paths of each in turn. */
function interleaved(cases: Case[]): string[] {
  const longest = Math.max(...cases.map(({ paths }) => paths.length));
  return Array.from({ length: longest }, (_, i) => cases.map(({ paths }) => paths[i % paths.length] as string)).flat();
}

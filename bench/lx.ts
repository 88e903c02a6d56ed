import pg from "pg";
import { startPostgres } from "../src/dev/postgres-server.ts";
import { freePort } from "../src/dev/ports.ts";
import { searchesIn } from "./lists/searches.ts";
const [dir, only] = process.argv.slice(2);
const postgres = await startPostgres({ dataDir: dir as string, port: await freePort() });
console.log(postgres.url);
const db = new pg.Pool({ connectionString: postgres.url, max: 1 });
for (const text of (process.env.PRE ?? "").split(";").filter(Boolean)) await db.query(text);
for (const one of searchesIn("project-0")) {
  if (only && only !== "all" && !one.name.includes(only)) continue;
  for (const { text, values } of one.statements) {
    const times: number[] = [];
    for (let i = 0; i < 7; i++) {
      const t = performance.now();
      await db.query(text, values as never);
      times.push(performance.now() - t);
    }
    const { rows } = await db.query(`explain (analyze, buffers) ${text}`, values as never);
    const plan = rows.map((r) => r["QUERY PLAN"]).join("\n");
    const seq = /Seq Scan/.test(plan) ? " SEQ" : "";
    const idx = [
      ...new Set(
        [...plan.matchAll(/(?:using|on) (workflow_runs_\w+|run_tags_\w+|event_triggers_\w+)/g)].map((m) => m[1]),
      ),
    ];
    console.log(
      one.name.padEnd(42),
      Math.min(...times)
        .toFixed(1)
        .padStart(7),
      times
        .sort((a, b) => a - b)[3]!
        .toFixed(1)
        .padStart(7),
      /Sort Key/.test(plan) ? "S" : " ",
      seq,
      idx.join(" "),
    );
    if (only && only !== "all") console.log(text.replace(/concat\(.*?\) from/, "… from"), values, "\n" + plan);
  }
}
await db.end();
await postgres.stop();

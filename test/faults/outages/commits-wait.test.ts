import pg from "pg";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { Served } from "../../../bench/servers/serve-in.ts";
import { freePort } from "../../../src/dev/ports.ts";
import { type Stack, startStack } from "../../stack/harness.ts";
import { startOwnPostgres } from "../../stack/own-servers.ts";
import { startApiProcess } from "../../stack/processes.ts";
import { until } from "../../stack/until.ts";

/** Told of a server that is. */
const AWAY = 2;
let postgres: Awaited<ReturnType<typeof startOwnPostgres>>;
let stack: Stack;
let api: Served;
let admin: pg.Client;
let metrics: string;
beforeAll(async () => {
  postgres = await startOwnPostgres(["synchronous_commit=on"]);
  stack = await startStack({ servers: postgres, worker: false, logLevel: "silent" });
  const port = await freePort();
  metrics = `http://127.0.0.1:${port}/metrics`;
  api = await startApiProcess(stack, { METRICS_PORT: String(port) });
  admin = new pg.Client(stack.config.databaseUrl);
  await admin.connect();
});
afterAll(async () => {
  await admin?.end();
  await api?.stop();
  await stack?.stop();
  await postgres?.remove();
});

const alter = async (sql: string) => {
  await admin.query(`alter system ${sql}`);
  await admin.query("select pg_reload_conf()");
};
async function toldOfPostgres(): Promise<number> {
  const text = await (await fetch(metrics)).text();
  return Number(/^workflow_runs_server_response_seconds\{server="postgres"\} (.*)$/m.exec(text)?.[1]);
}

test("a PostgreSQL that reads fast and commits nothing is told to be away", async () => {
  await until(async () => (await toldOfPostgres()) < AWAY);
  await alter("set synchronous_standby_names = 'gone'");
  await until(async () => (await toldOfPostgres()) === AWAY);
  expect((await admin.query("select 1 as one")).rows).toEqual([{ one: 1 }]);
  await alter("reset synchronous_standby_names");
  await until(async () => (await toldOfPostgres()) < AWAY);
});

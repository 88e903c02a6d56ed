import pg from "pg";
import type { Deployment } from "./deployment.ts";
import { stutter } from "./stutter.ts";
import type { Servers } from "../servers/index.ts";

const FLOODING_CLIENTS = 24;
/** A stop that lasts until the trouble is over. */
const FOR_EVER_MS = 2 ** 31 - 1;

export interface Trouble {
  name: string;
  /** The alert that it has to fire, and no other. */
  alert: string;
  /** Returns what ends it. */
  begin(): Promise<() => Promise<unknown>>;
}

export function troublesOf(servers: Servers, deployment: Deployment): Trouble[] {
  const { postgres, temporal } = deployment;
  const stuttering = (name: string, stoppedMs: number, runningMs: number) => async () => {
    const end = stutter(servers.pids[name] as number, { stoppedMs, runningMs });
    // What is stopped can't be told to end.
    servers.onStop(end);
    return end;
  };
  return [
    { name: "an endpoint is down", alert: "EndpointDown", begin: deployment.stopWarehouse },
    { name: "no worker is left", alert: "WorkerGone", begin: deployment.killWorkers },
    { name: "PostgreSQL answers 300 ms late", alert: "PostgresSlow", begin: () => postgres.delay(300) },
    { name: "PostgreSQL stutters", alert: "PostgresSlow", begin: stuttering("postgres", 900, 100) },
    { name: "PostgreSQL commits nothing", alert: "PostgresSlow", begin: () => waitForStandby(servers.databaseUrl) },
    {
      name: "a project floods",
      alert: "ProjectFlooding",
      begin: async () => flood(() => deployment.trigger("orders")),
    },
    { name: "Temporal answers 700 ms late", alert: "TemporalBehind", begin: () => temporal.delay(700) },
    { name: "Temporal stutters", alert: "TemporalBehind", begin: stuttering("temporal", 1_800, 200) },
    { name: "Temporal hangs", alert: "TemporalBehind", begin: stuttering("temporal", FOR_EVER_MS, 0) },
  ];
}

/** Every commit waits for a standby that is not there. */
async function waitForStandby(databaseUrl: string) {
  // Kept: those who wait use up all connections.
  const database = new pg.Client(databaseUrl);
  await database.connect();
  const alter = async (sql: string) => {
    await database.query(`alter system ${sql}`);
    await database.query("select pg_reload_conf()");
  };
  await alter("set synchronous_standby_names = 'gone'");
  return async () => {
    await alter("reset synchronous_standby_names");
    await database.end();
  };
}

function flood(trigger: () => Promise<unknown>) {
  let isOver = false;
  const client = async () => {
    while (!isOver) await trigger();
  };
  const flooding = Promise.all(Array.from({ length: FLOODING_CLIENTS }, client));
  return async () => {
    isOver = true;
    await flooding;
  };
}

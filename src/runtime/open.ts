import pg from "pg";
import type { Running } from "./process.ts";
import { reach, type Server } from "./reach.ts";
import type { Config } from "../config.ts";
import type { Deps } from "../deps.ts";
import { migrate } from "../store/postgres/migrate.ts";
import { Notifications } from "../store/postgres/notifications.ts";
import { createPool } from "../store/postgres/pool.ts";
import { connectTemporal, NoSuchNamespace } from "../temporal/connection.ts";

/** How long a run may wait until those before it have started. */
const START_WAITS_MS = 10_000;

/** Waits until Postgres and Temporal can be reached, migrates, and connects. Everything is closed when the process stops. */
export async function open(config: Config, running: Running & Pick<Deps, "log">): Promise<Deps> {
  await reach(postgresOf(config), running, () => migrate(config.databaseUrl));
  return connect(config, running);
}

/** The same for a database that is migrated already. */
export async function connect(config: Config, running: Running & Pick<Deps, "log">): Promise<Deps> {
  const { log, stopping, onStop } = running;
  const db = createPool(config.databaseUrl);
  onStop(() => db.end());
  const starts = createPool(config.databaseUrl, START_WAITS_MS);
  onStop(() => starts.end());
  const notifications = Notifications.listen(config.databaseUrl, log);
  onStop(() => notifications.stop());
  const temporal = await reach(temporalOf(config), running, () => connectTemporal(config, log));
  onStop(() => temporal.connection.close());
  return { db, starts, notifications, temporal, log, config, stopping };
}

function postgresOf({ databaseUrl }: Config): Server {
  const { host, pathname } = new URL(databaseUrl);
  const [at, database] = [host || "the local socket", pathname.slice(1)];
  const refusal = (error: unknown) => {
    const code = error instanceof pg.DatabaseError ? (error.code ?? "") : "";
    if (code.startsWith("28")) return `PostgreSQL at ${at} refuses the user or the password of DATABASE_URL.`;
    if (code === "3D000")
      return `PostgreSQL at ${at} has no database ${database}: create it, or set DATABASE_URL to another.`;
    return undefined;
  };
  return { name: "PostgreSQL", variable: "DATABASE_URL", at, refusal };
}

function temporalOf({ temporalAddress: at }: Config): Server {
  const refusal = (error: unknown) => {
    if (!(error instanceof NoSuchNamespace)) return undefined;
    return `Temporal at ${at} has no namespace ${error.namespace}: create it, or set TEMPORAL_NAMESPACE to another.`;
  };
  return { name: "Temporal", variable: "TEMPORAL_ADDRESS", at, refusal };
}

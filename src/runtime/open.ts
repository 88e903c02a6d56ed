import type { Running } from "./process.ts";
import { reach } from "./reach.ts";
import { postgresOf, temporalOf } from "./servers.ts";
import type { Config } from "../config.ts";
import type { Deps } from "../deps.ts";
import { findTraces } from "../store/ended-spans.ts";
import { migrate } from "../store/postgres/migrate.ts";
import { Notifications } from "../store/postgres/notifications.ts";
import { createPool } from "../store/postgres/pool.ts";
import { connectTemporal } from "../temporal/connection.ts";
import { openTracing } from "../tracing/tracing.ts";

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
  const { databaseUrl, databasePoolSize: size } = config;
  const db = createPool(databaseUrl, { size });
  onStop(() => db.end());
  const tracing = config.tracing && (await openTracing(config.tracing, (runIds) => findTraces(db, runIds), log));
  if (tracing) onStop(tracing.stop);
  const starts = createPool(databaseUrl, { size, waitsMs: START_WAITS_MS });
  onStop(() => starts.end());
  const notifications = Notifications.listen(databaseUrl, log);
  onStop(() => notifications.stop());
  const temporal = await reach(temporalOf(config), running, () => connectTemporal(config, log));
  onStop(() => temporal.connection.close());
  return { db, starts, notifications, temporal, log, config, stopping, tracing };
}

import { runner } from "node-pg-migrate";
import { fileURLToPath } from "node:url";

/** Brings the database up to date. Processes that start together wait for each other. */
export async function migrate(databaseUrl: string): Promise<void> {
  await runner({
    databaseUrl,
    dir: fileURLToPath(new URL("../migrations", import.meta.url)),
    migrationsTable: "schema_migrations",
    direction: "up",
    advisoryLockMode: "wait",
    log: () => {},
  });
}

import { chmodSync, mkdirSync } from "node:fs";
import pg from "pg";
import { mintToken } from "../../src/cli/mint.ts";
import { loadDevConfig } from "../../src/config.ts";
import { freePort } from "../../src/dev/ports.ts";
import { startPostgres } from "../../src/dev/postgres-server.ts";
import { temporalBinary } from "../../src/dev/temporal-binary.ts";
import { startTemporal } from "../../src/dev/temporal-server.ts";
import { migrate } from "../../src/store/postgres/migrate.ts";

const AUTH = { issuer: "bench", audience: "bench", secret: "a secret for benches, 32 characters" };

/** May see every project. */
export const token = mintToken(AUTH, { sub: "ada", projects: "*", scopes: ["*"] });

/** The servers that an API needs to answer lists, with the variables that name them. `onStop` is told how each is stopped. */
export async function startServers(dataDir: string, onStop: (stop: () => Promise<unknown>) => void) {
  mkdirSync(dataDir, { recursive: true });
  // The user that PostgreSQL runs as has to get through.
  chmodSync(dataDir, 0o755);
  const postgres = await startPostgres({ dataDir, port: await freePort() });
  onStop(postgres.stop);
  const binary = await temporalBinary(loadDevConfig({}).cacheDir, console.log);
  // The API wants to connect to one, whether anything is asked of it or not.
  const temporal = await startTemporal({ binary, dataDir, port: await freePort(), namespace: "default" });
  onStop(temporal.stop);
  await migrate(postgres.url);
  const db = new pg.Pool({ connectionString: postgres.url });
  onStop(() => db.end());
  const variables = {
    DATABASE_URL: postgres.url,
    TEMPORAL_ADDRESS: temporal.address,
    JWT_SECRET: AUTH.secret,
    JWT_ISSUER: AUTH.issuer,
    JWT_AUDIENCE: AUTH.audience,
  };
  return { db, databaseUrl: postgres.url, variables };
}

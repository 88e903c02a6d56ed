import { chmodSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestProject } from "vitest/node";
import { loadDevConfig } from "../../src/config.ts";
import { freePort } from "../../src/dev/ports.ts";
import { startPostgres } from "../../src/dev/postgres-server.ts";
import { temporalBinary } from "../../src/dev/temporal-binary.ts";
import { startTemporal } from "../../src/dev/temporal-server.ts";
import { migrate } from "../../src/store/postgres/migrate.ts";

/** What every test file shares: one PostgreSQL and one Temporal server. */
export interface SharedServers {
  /** Of a migrated database without connections, to be cloned. */
  templateUrl: string;
  temporalAddress: string;
  temporalBinary: string;
}

declare module "vitest" {
  interface ProvidedContext {
    servers: SharedServers;
  }
}

// Nothing here has to survive a power cut.
const FAST = ["fsync=off", "synchronous_commit=off", "full_page_writes=off"];

export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const binary = await temporalBinary(loadDevConfig({}).cacheDir, console.log);
  const dataDir = mkdtempSync(join(tmpdir(), "workflow-runs-test-"));
  chmodSync(dataDir, 0o755);
  const [postgres, temporal] = await Promise.all([
    startPostgres({ dataDir, port: await freePort(), settings: FAST }, "template_runs"),
    startTemporal({ binary, dataDir, port: await freePort(), namespace: "default" }),
  ]);
  await migrate(postgres.url);
  project.provide("servers", {
    templateUrl: postgres.url,
    temporalAddress: temporal.address,
    temporalBinary: binary,
  });
  return async () => {
    await temporal.stop();
    await postgres.stop();
    rmSync(dataDir, { recursive: true, force: true });
  };
}

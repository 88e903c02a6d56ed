import { execFileSync } from "node:child_process";
import { chmodSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { inject } from "vitest";
import { freePort } from "../../src/dev/ports.ts";
import { startPostgres } from "../../src/dev/postgres-server.ts";
import type { ServerProcess } from "../../src/dev/server-process.ts";
import { startTemporal } from "../../src/dev/temporal-server.ts";
import { migrate } from "../../src/store/postgres/migrate.ts";

/** A server that a test may end and start again, on its port and with its data. */
export interface OwnServer {
  kill(): Promise<void>;
  stop(): Promise<void>;
  /** It keeps its connections and does nothing, until it is thawed. */
  freeze(): void;
  thaw(): void;
  start(): Promise<void>;
  /** Ends it for good. */
  remove(): Promise<void>;
}

export async function startOwnTemporal(settings: string[] = []): Promise<OwnServer & { temporalAddress: string }> {
  const port = await freePort();
  const { temporalBinary: binary } = inject("servers");
  const start = (dataDir: string) => startTemporal({ binary, dataDir, port, namespace: "default", settings });
  return { ...(await own(start)), temporalAddress: `127.0.0.1:${port}` };
}

/** Migrated, and without connections to its template, as the shared one. */
export async function startOwnPostgres(more: string[] = []): Promise<OwnServer & { templateUrl: string }> {
  const port = await freePort();
  let templateUrl = "";
  const server = await own(async (dataDir) => {
    const settings = ["synchronous_commit=off", ...more];
    const postgres = await startPostgres({ dataDir, port, settings }, "template_runs");
    templateUrl = postgres.url;
    return postgres;
  });
  await migrate(templateUrl);
  return { ...server, templateUrl };
}

async function own(begin: (dataDir: string) => Promise<ServerProcess>): Promise<OwnServer> {
  const dataDir = mkdtempSync(join(tmpdir(), "workflow-runs-own-"));
  // The user that PostgreSQL runs as has to get through.
  chmodSync(dataDir, 0o755);
  let server = await begin(dataDir);
  return {
    async kill() {
      process.kill(server.pid, "SIGKILL");
      await server.exited;
    },
    stop: () => server.stop(),
    freeze: () => signalAll(server.pid, "SIGSTOP"),
    thaw: () => signalAll(server.pid, "SIGCONT"),
    async start() {
      server = await begin(dataDir);
    },
    async remove() {
      await server.stop();
      rmSync(dataDir, { recursive: true, force: true });
    },
  };
}

/** A PostgreSQL has a process for each of its connections. */
function signalAll(pid: number, signal: NodeJS.Signals): void {
  const lines = execFileSync("ps", ["-eo", "pid=,ppid="], { encoding: "utf8" }).trim().split("\n");
  const children = lines.map((line) => line.trim().split(/ +/).map(Number)).filter(([, parent]) => parent === pid);
  for (const each of [pid, ...children.map(([child]) => child as number)]) process.kill(each, signal);
}

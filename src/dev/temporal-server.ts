import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { ConfigError } from "../config.ts";
import { lastLines, type ServerProcess, startServer, stopLeftover } from "./server-process.ts";
import { SEARCH_ATTRIBUTES } from "../../workflows/web-ui/search-attributes.ts";

/**
 * The dev server's defaults are made for a shared cluster. Measured on its single shard: with 20 polls a second every hop waits 50 ms
 * (a chain of five activities took 550 ms, now 120), and the time shift makes each timer up to a second late (a timer of 300 ms took
 * 1,019 ms, now 333). A run can be reopened at once, and not after a second. Several callers can query one run while it works: by
 * default the second one waits for a second (ten commands at once took 2.1 s, now 0.4). An activity that the workflow's own worker can
 * take does not go through the matching service: a quarter more slow steps a second.
 */
export const DYNAMIC_CONFIG = [
  "history.transferProcessorMaxPollRPS=2000",
  "history.timerProcessorMaxPollRPS=2000",
  'history.timerProcessorMaxTimeShift="10ms"',
  "matching.numTaskqueueReadPartitions=1",
  "matching.numTaskqueueWritePartitions=1",
  'history.workflowIdReuseMinimalInterval="0s"',
  "history.MaxBufferedQueryCount=1000",
  "system.enableActivityEagerExecution=true",
];

/** The types of search attributes, as the server's command names them. */
const NAMED = { KEYWORD: "Keyword", KEYWORD_LIST: "KeywordList" };

export interface TemporalOptions {
  binary: string;
  dataDir: string;
  port: number;
  /** Without it there is no Web UI. */
  uiPort?: number;
  namespace: string;
  /** More of the server's dynamic configuration, as key=JSON value. */
  settings?: string[];
}

/** Starts the Temporal dev server with its database in `dataDir`, so that runs survive a restart of it. */
export async function startTemporal(options: TemporalOptions): Promise<ServerProcess & { address: string }> {
  const { binary, dataDir, port, uiPort, namespace, settings = [] } = options;
  const logFile = join(dataDir, "temporal.log");
  const server = startServer({
    name: "The Temporal server",
    command: binary,
    args: [
      ...["server", "start-dev", "--ip", "127.0.0.1", "--port", String(port)],
      ...(uiPort === undefined ? ["--headless"] : ["--ui-port", String(uiPort)]),
      ...["--db-filename", join(dataDir, "temporal.db"), "--namespace", namespace, "--log-level", "error"],
      ...SEARCH_ATTRIBUTES.flatMap(({ name, type }) => ["--search-attribute", `${name}=${NAMED[type]}`]),
      ...[...DYNAMIC_CONFIG, ...settings].flatMap((setting) => ["--dynamic-config-value", setting]),
    ],
    logFile,
    pidFile: join(dataDir, "temporal.pid"),
    stopSignal: "SIGTERM",
  });
  const address = `127.0.0.1:${port}`;
  try {
    await answers(address, namespace, server);
  } catch (error) {
    await server.stop();
    const reason = (error as Error).message;
    throw new ConfigError(
      `The Temporal server did not start (${reason}). Its log is ${logFile}:\n${lastLines(logFile)}`,
    );
  }
  return { ...server, address };
}

export function stopLeftoverTemporal(dataDir: string): Promise<boolean> {
  return stopLeftover(join(dataDir, "temporal.pid"), join(dataDir, "temporal.db"), "SIGTERM");
}

async function answers(address: string, namespace: string, server: ServerProcess): Promise<void> {
  // Loaded only now: that takes a part of a second, in which the server starts.
  const { Connection } = await import("@temporalio/client");
  for (const giveUp = Date.now() + 60_000; ; await sleep(100)) {
    try {
      const connection = await Connection.connect({ address, connectTimeout: 1000 });
      await connection.workflowService.describeNamespace({ namespace }).finally(() => connection.close());
      return;
    } catch (error) {
      if (!server.isRunning()) throw new Error("it ended at once");
      if (Date.now() > giveUp) throw error;
    }
  }
}

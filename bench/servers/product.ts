import pino from "pino";
import { Journal } from "../../activities/calls/journal.ts";
import { MirrorWriter } from "../../activities/mirror.ts";
import { READY } from "./node-process.ts";
import { loadConfig } from "../../src/config.ts";
import { createApp } from "../../src/http/app.ts";
import { bundleWorkflows } from "../../src/runtime/bundle.ts";
import { serve } from "../../src/runtime/http-server.ts";
import { runProcess } from "../../src/runtime/process.ts";
import { installRuntime, startWorker } from "../../src/runtime/worker.ts";
import { migrate } from "../../src/store/migrate.ts";
import { Notices } from "../../src/store/notices.ts";
import { createPool } from "../../src/store/pool.ts";
import { connectTemporal } from "../../src/temporal/connection.ts";

/** API and worker in one process as `npm start` has them, on servers that are there already. BENCH_MIRROR=off: nothing is mirrored. */
await runProcess(async (onStop) => {
  const config = loadConfig();
  const log = pino({ level: config.logLevel });
  installRuntime(log);
  const bundle = await bundleWorkflows();
  await migrate(config.databaseUrl);
  const db = createPool(config.databaseUrl);
  onStop(() => db.end());
  const notices = Notices.listen(config.databaseUrl, log);
  onStop(() => notices.stop());
  const temporal = await connectTemporal(config, log);
  onStop(() => temporal.connection.close());
  const deps = { db, notices, temporal, log, config };
  const journal = new Journal(deps);
  const writer = new MirrorWriter(db, journal);
  if (process.env.BENCH_MIRROR === "off") Object.assign(writer, { write: async () => {}, writeInPassing: () => {} });
  const worker = await startWorker(deps, bundle, journal, writer);
  onStop(() => worker.stop());
  const server = await serve(createApp(deps), config.host, config.port);
  onStop(() => server.close());
  console.log(READY);
  await worker.ended;
});

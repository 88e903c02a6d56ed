import { setFlagsFromString } from "node:v8";
import pino from "pino";
import { loadConfig } from "./config.ts";
import { bundleWorkflows } from "./runtime/bundle.ts";
import { runProcess } from "./runtime/process.ts";
import { installRuntime, startWorker } from "./runtime/worker.ts";
import { migrate } from "./store/migrate.ts";
import { Notices } from "./store/notices.ts";
import { createPool } from "./store/pool.ts";
import { connectTemporal } from "./temporal/connection.ts";

// V8 lets its heaps grow to a multiple of what is in use before it looks for garbage, and each run that leaves the cache is
// some. A third less memory, and no more time; not for an API, whose lists took a fifth longer.
setFlagsFromString("--heap-growing-percent=30");

await runProcess(async (onStop) => {
  const config = loadConfig();
  const log = pino({ level: config.logLevel, name: "worker" });
  installRuntime(log);

  await migrate(config.databaseUrl);
  const db = createPool(config.databaseUrl);
  onStop(() => db.end());
  const notices = Notices.listen(config.databaseUrl, log);
  onStop(() => notices.stop());
  const temporal = await connectTemporal(config, log);
  onStop(() => temporal.connection.close());
  const worker = await startWorker({ db, notices, temporal, log, config }, await bundleWorkflows());
  onStop(() => worker.stop());
  log.info("polling");
  await worker.ended;
});

import { bundleWorkflowCode, DefaultLogger } from "@temporalio/worker";
import { fileURLToPath } from "node:url";
import pino from "pino";
import { loadConfig } from "../../../src/config.ts";
import { runProcess } from "../../../src/runtime/process.ts";
import { installRuntime, startWorker } from "../../../src/runtime/worker.ts";
import { Notices } from "../../../src/store/notices.ts";
import { createPool } from "../../../src/store/pool.ts";
import { connectTemporal } from "../../../src/temporal/connection.ts";

const pathOf = (file: string) => fileURLToPath(new URL(file, import.meta.url));

// As src/worker.ts, with the faulty interpreter.
await runProcess(async (onStop) => {
  const config = loadConfig();
  const log = pino({ level: "error" });
  installRuntime(log);
  const db = createPool(config.databaseUrl);
  const notices = Notices.listen(config.databaseUrl, log);
  const temporal = await connectTemporal(config, log);
  const bundle = await bundleWorkflowCode({
    workflowsPath: pathOf("workflows.ts"),
    workflowInterceptorModules: [pathOf("../../../workflows/run/held-queries.ts")],
    preloadModules: [pathOf("../../../workflows/run/preload.ts")],
    logger: new DefaultLogger("ERROR"),
  });
  const worker = await startWorker({ db, notices, temporal, log, config }, bundle);
  onStop(() => worker.stop());
  console.log("polling");
  await worker.ended;
});

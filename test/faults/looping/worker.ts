import { bundleWorkflowCode, DefaultLogger } from "@temporalio/worker";
import { fileURLToPath } from "node:url";
import { loadConfig } from "../../../src/config.ts";
import { createLog } from "../../../src/log.ts";
import { open } from "../../../src/runtime/open.ts";
import { PACKING } from "../../../src/runtime/packing.ts";
import { runProcess } from "../../../src/runtime/process.ts";
import { installRuntime, startWorker } from "../../../src/runtime/worker.ts";

// As src/worker.ts, with the faulty interpreter.
await runProcess(async (running) => {
  const config = loadConfig();
  const log = createLog(config);
  running.log = log;
  installRuntime(log);
  const deps = await open(config, { ...running, log });
  const bundle = await bundleWorkflowCode({
    ...PACKING,
    workflowsPath: fileURLToPath(new URL("workflows.ts", import.meta.url)),
    logger: new DefaultLogger("ERROR"),
  });
  const worker = await startWorker(deps, bundle);
  running.onStop(worker.stop);
  console.log("polling");
  await worker.ended;
});

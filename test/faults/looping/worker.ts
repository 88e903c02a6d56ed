import { bundleWorkflowCode, DefaultLogger } from "@temporalio/worker";
import { fileURLToPath } from "node:url";
import { loadConfig } from "../../../src/config.ts";
import { createLog } from "../../../src/log.ts";
import { open } from "../../../src/runtime/open.ts";
import { runProcess } from "../../../src/runtime/process.ts";
import { installRuntime, startWorker } from "../../../src/runtime/worker.ts";

const pathOf = (file: string) => fileURLToPath(new URL(file, import.meta.url));

// As src/worker.ts, with the faulty interpreter.
await runProcess(async (running) => {
  const config = loadConfig();
  const log = createLog(config);
  running.log = log;
  installRuntime(log);
  const deps = await open(config, { ...running, log });
  const bundle = await bundleWorkflowCode({
    workflowsPath: pathOf("workflows.ts"),
    workflowInterceptorModules: ["held-queries", "canceled", "clock", "shown-details"].map((name) =>
      pathOf(`../../../workflows/run/${name}.ts`),
    ),
    preloadModules: [pathOf("../../../workflows/run/preload.ts")],
    logger: new DefaultLogger("ERROR"),
  });
  const worker = await startWorker(deps, bundle);
  running.onStop(worker.stop);
  console.log("polling");
  await worker.ended;
});

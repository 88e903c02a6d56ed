import { Journal } from "../../activities/calls/journal.ts";
import { MirrorWriter } from "../../activities/mirror.ts";
import { READY } from "./node-process.ts";
import { loadConfig } from "../../src/config.ts";
import { createApp } from "../../src/http/app.ts";
import { createLog } from "../../src/log.ts";
import { bundleWorkflows } from "../../src/runtime/bundle.ts";
import { serve } from "../../src/runtime/http-server.ts";
import { open } from "../../src/runtime/open.ts";
import { runProcess } from "../../src/runtime/process.ts";
import { installRuntime, startWorker } from "../../src/runtime/worker.ts";

/** API and worker in one process as `npm start` has them, on servers that are there already. BENCH_MIRROR=off: nothing is mirrored. */
await runProcess(async (running) => {
  const config = loadConfig();
  const log = createLog(config);
  running.log = log;
  installRuntime(log);
  const bundle = await bundleWorkflows();
  const deps = await open(config, { ...running, log });
  const journal = new Journal(deps);
  const writer = new MirrorWriter(deps, journal);
  if (process.env.BENCH_MIRROR === "off") Object.assign(writer, { write: async () => {}, writeBestEffort: () => {} });
  const worker = await startWorker(deps, bundle, journal, writer);
  running.onStop(worker.stop);
  const server = await serve(createApp(deps), config.host, config.port);
  running.onStop(server.close);
  console.log(READY);
  await worker.ended;
});

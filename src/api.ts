import { loadConfig } from "./config.ts";
import { createApp } from "./http/app.ts";
import { createLog } from "./log.ts";
import { serve } from "./runtime/http-server.ts";
import { open } from "./runtime/open.ts";
import { runProcess } from "./runtime/process.ts";
import { installRuntime } from "./runtime/worker.ts";

await runProcess(async (running) => {
  const config = loadConfig();
  const log = createLog(config, "api");
  running.log = log;
  installRuntime(log);
  const deps = await open(config, { ...running, log });
  const server = await serve(createApp(deps), config.host, config.port);
  running.onStop(server.close, server.waitsFor);
  log.info({ host: config.host, port: server.port }, "listening");
});

import { join } from "node:path";
import pino from "pino";
import { startJobServer } from "../examples/job-server.ts";
import { loadExamples } from "../examples/load.ts";
import { mintToken } from "./cli/mint.ts";
import { loadDevConfig } from "./config.ts";
import { startEmbeddedStack } from "./dev/stack.ts";
import { welcome } from "./dev/welcome.ts";
import { createApp } from "./http/app.ts";
import { bundleWorkflows } from "./runtime/bundle.ts";
import { serve } from "./runtime/http-server.ts";
import { runProcess } from "./runtime/process.ts";
import { installRuntime, startWorker } from "./runtime/worker.ts";
import { migrate } from "./store/migrate.ts";
import { Notices } from "./store/notices.ts";
import { createPool } from "./store/pool.ts";
import { connectTemporal } from "./temporal/connection.ts";

const say = (line: string) => console.log(line);

await runProcess(async (onStop) => {
  const dev = loadDevConfig();
  const bundle = bundleWorkflows();
  // Awaited far below; an error until then is for that place.
  bundle.catch(() => {});
  const stack = await startEmbeddedStack(dev, say);
  onStop(() => stack.stop());
  const { config } = stack;
  const logFile = join(dev.dataDir, "app.log");
  const log = pino({ level: config.logLevel }, pino.destination({ dest: logFile, sync: false }));
  installRuntime(log);

  await migrate(config.databaseUrl);
  const db = createPool(config.databaseUrl);
  onStop(() => db.end());
  const notices = Notices.listen(config.databaseUrl, log);
  onStop(() => notices.stop());
  const temporal = await connectTemporal(config, log);
  onStop(() => temporal.connection.close());
  const deps = { db, notices, temporal, log, config };
  const jobs = await startJobServer(dev.exampleJobsPort);
  onStop(() => jobs.close());
  const worker = await startWorker(deps, await bundle);
  onStop(() => worker.stop());
  const server = await serve(createApp(deps), config.host, config.port);
  onStop(() => server.close());

  const apiUrl = `http://localhost:${server.port}`;
  const token = mintToken(config.auth, { sub: "release-manager", projects: ["demo"], scopes: ["*"] });
  const { waitingRunId } = await loadExamples({ apiUrl, token, jobsUrl: `http://127.0.0.1:${jobs.port}`, log: say });
  say(welcome({ dev, apiUrl, token, waitingRunId }));
  onStop(async () => say("Stopping ..."));
  await worker.ended;
});

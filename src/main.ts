import { writeFileSync } from "node:fs";
import { join } from "node:path";
import pino from "pino";
import { startJobServer } from "../examples/job-server.ts";
import { linkToDecide, loadExamples } from "../examples/load.ts";
import { mintToken } from "./cli/mint.ts";
import { loadDevConfig } from "./config.ts";
import { sayIfSlow } from "./dev/progress.ts";
import { startEmbeddedStack } from "./dev/stack.ts";
import { welcome } from "./dev/welcome.ts";
import { createLog } from "./log.ts";
import { bundleWorkflows } from "./runtime/bundle.ts";
import { runProcess } from "./runtime/process.ts";

const say = (line: string) => console.log(line);

await runProcess(async (running) => {
  const { onStop } = running;
  const dev = loadDevConfig();
  const bundle = bundleWorkflows();
  const starting = startEmbeddedStack(dev, say);
  // Most of the code is loaded while the servers start.
  const loading = import("./all-in-one.ts");
  // They are awaited below, where their errors are handled.
  for (const begun of [bundle, loading]) begun.catch(() => {});
  const stack = await starting;
  onStop(stack.stop);
  const { config } = stack;
  const logFile = join(dev.dataDir, "app.log");
  const log = createLog(config, undefined, pino.destination({ dest: logFile, sync: false, mode: 0o600 }));
  running.log = log;
  running.say = say;
  const jobs = await startJobServer(dev.exampleJobsPort);
  onStop(jobs.close);
  const { startAllInOne } = await loading;
  const { apiUrl, ended } = await startAllInOne(config, { ...running, log }, bundle, say);

  const token = mintToken(config.auth, { sub: "release-manager", projects: ["demo"], scopes: ["*"] });
  const tokenFile = join(dev.dataDir, "token");
  writeFileSync(tokenFile, token, { mode: 0o600 });
  const jobsUrl = `http://127.0.0.1:${jobs.port}`;
  const examples = loadExamples({ apiUrl, token, jobsUrl, log: say });
  const { waitingRunId } = await sayIfSlow(say, "Running an example up to its approval", examples);
  const link = await linkToDecide({ apiUrl, token, waitingRunId });
  say(welcome({ dev, apiUrl, tokenFile, waitingRunId, link }));
  onStop(async () => say("Stopping ..."));
  await ended;
});

import pino from "pino";
import { loadConfig } from "./config.ts";
import { createApp } from "./http/app.ts";
import { serve } from "./runtime/http-server.ts";
import { runProcess } from "./runtime/process.ts";
import { migrate } from "./store/migrate.ts";
import { Notices } from "./store/notices.ts";
import { createPool } from "./store/pool.ts";
import { connectTemporal } from "./temporal/connection.ts";

await runProcess(async (onStop) => {
  const config = loadConfig();
  const log = pino({ level: config.logLevel, name: "api" });

  await migrate(config.databaseUrl);
  const db = createPool(config.databaseUrl);
  onStop(() => db.end());
  const notices = Notices.listen(config.databaseUrl, log);
  onStop(() => notices.stop());
  const temporal = await connectTemporal(config, log);
  onStop(() => temporal.connection.close());
  const server = await serve(createApp({ db, notices, temporal, log, config }), config.host, config.port);
  onStop(() => server.close());
  log.info({ host: config.host, port: server.port }, "listening");
});

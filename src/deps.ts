import type { Pool } from "pg";
import type { Logger } from "pino";
import type { Config } from "./config.ts";
import type { Notices } from "./store/notices.ts";
import type { Temporal } from "./temporal/connection.ts";

/** What everything outside the workflow sandbox works with. */
export interface Deps {
  db: Pool;
  notices: Notices;
  temporal: Temporal;
  log: Logger;
  config: Config;
}

import type { Client } from "@temporalio/client";
import type { Pool } from "pg";
import type { Logger } from "pino";
import type { Config } from "./config.ts";

/** What everything outside the workflow sandbox works with. */
export interface Deps {
  db: Pool;
  temporal: Client;
  log: Logger;
  config: Config;
}

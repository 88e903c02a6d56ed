import type { Pool } from "pg";
import type { Logger } from "pino";
import type { Config } from "./config.ts";
import type { Notifications } from "./store/postgres/notifications.ts";
import type { Tracing } from "./tracing/tracing.ts";
import type { Temporal } from "./temporal/connection.ts";

/** What everything outside the workflow sandbox works with. */
export interface Deps {
  db: Pool;
  /**
   * For transactions that are open while Temporal starts a run. With connections of their own, a Temporal that hangs takes none
   * from requests that only read.
   */
  starts: Pool;
  notifications: Notifications;
  temporal: Temporal;
  log: Logger;
  /** Undefined while traces are off. */
  tracing?: Tracing;
  config: Config;
  /** Aborted once the process is told to stop. */
  stopping: AbortSignal;
}

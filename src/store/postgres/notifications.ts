import { EventEmitter, once } from "node:events";
import { setTimeout as pauseFor } from "node:timers/promises";
import type { Logger } from "pino";
import pg from "pg";
import type { Db } from "./pool.ts";

const RECONNECT_MS = 1_000;

/**
 * Processes notify each other through Postgres: that a command waits for its run, and that the mirror has news of a run (the outcome
 * of a command, or that the run was canceled). A process whose connection is away misses notifications. They make things happen
 * sooner, and nothing depends on them.
 */
export class Notifications {
  readonly #runs = new EventEmitter().setMaxListeners(0);
  readonly #commands = new EventEmitter();
  readonly #stopped = new AbortController();
  #client: pg.Client | undefined;

  /** Returns at once. It connects in the background, and again whenever the connection is lost, until it is stopped. */
  static listen(databaseUrl: string, log: Logger): Notifications {
    const notifications = new Notifications();
    void notifications.#stayConnected(databaseUrl, log);
    return notifications;
  }

  onCommand(listener: (runId: string, commandId: string) => void): void {
    this.#commands.on("command", listener);
  }

  /** True at the next news of the run, false when `signal` comes first. */
  newsOf(runId: string, signal: AbortSignal): Promise<boolean> {
    return once(this.#runs, runId, { signal }).then(
      () => true,
      () => false,
    );
  }

  async stop(): Promise<void> {
    this.#stopped.abort();
    await this.#client?.end().catch(() => {});
  }

  async #stayConnected(connectionString: string, log: Logger): Promise<void> {
    while (!this.#stopped.signal.aborted) {
      try {
        await this.#untilDisconnected(connectionString);
      } catch (error) {
        if (!this.#stopped.signal.aborted) log.warn({ err: error }, "notifications are not heard");
      }
      await pauseFor(RECONNECT_MS, undefined, { signal: this.#stopped.signal }).catch(() => {});
    }
  }

  async #untilDisconnected(connectionString: string): Promise<void> {
    const client = new pg.Client({ connectionString, keepAlive: true, connectionTimeoutMillis: 5_000 });
    this.#client = client;
    const ended = new Promise<void>((resolve, reject) => client.once("end", resolve).on("error", reject));
    // It may reject before it is awaited.
    ended.catch(() => {});
    client.on("notification", ({ channel, payload = "" }) => {
      const [runId = "", commandId = ""] = payload.split(" ", 2);
      if (channel === COMMANDS) this.#commands.emit("command", runId, commandId);
      else this.#runs.emit(runId);
    });
    try {
      await client.connect();
      await client.query(`listen ${COMMANDS}; listen ${NEWS}`);
      await ended;
    } finally {
      await client.end().catch(() => {});
    }
  }
}

const COMMANDS = "run_commands";
const NEWS = "run_news";

export async function tellOfCommand(db: Db, runId: string, commandId: string): Promise<void> {
  await db.query({
    name: "tell_of_command",
    text: "select pg_notify($1, $2)",
    values: [COMMANDS, `${runId} ${commandId}`],
  });
}

/** SQL that notifies of the runs that the query `ids` selects. */
export const tellOfRuns = (ids: string): string => `select pg_notify('${NEWS}', id::text) from (${ids}) told(id)`;

import pg from "pg";
import { Problem } from "../../errors.ts";
import { isOutage } from "../../outage.ts";
import { epochMs, rfc3339 } from "../../../workflows/engine/time.ts";

export type Db = pg.Pool | pg.PoolClient;

const { builtins, getTypeParser } = pg.types;
const date: (text: string) => Date = getTypeParser(builtins.TIMESTAMPTZ, "text");

/** A time as Postgres writes it, in the form of the API. pg's own parser takes over for other time zones and years after 9999. */
export function timeOf(text: string): string {
  if (text[4] !== "-" || !text.endsWith("+00")) return rfc3339(date(text).getTime());
  return `${text.slice(0, 10)}T${text.slice(11, -3)}Z`;
}

const parsers = new Map<number, (text: string) => unknown>([
  // Left as text: most JSON only passes through. Who looks into it calls parseJson.
  [builtins.JSON, (text) => text],
  [builtins.TIMESTAMPTZ, (text) => epochMs(timeOf(text))],
  [builtins.INT8, Number],
]);

/** Rows have documents as text and times as epoch milliseconds. */
export function createPool(databaseUrl: string, waitsMs = 5_000): pg.Pool {
  const pool = new pg.Pool({
    connectionString: databaseUrl,
    max: 20,
    // Until a connection is made, or one that is in use is free.
    connectionTimeoutMillis: waitsMs,
    // A Postgres that hangs is treated like one that is down: nobody waits for it for ever.
    query_timeout: 15_000,
    keepAlive: true,
    types: { getTypeParser: (id: number, format) => parsers.get(id) ?? getTypeParser(id, format) },
  });
  // The pool replaces an idle connection that breaks. Without a listener its error would end the process.
  pool.on("error", () => {});
  return pool;
}

export async function inTransaction<T>(pool: pg.Pool, work: (client: pg.PoolClient) => Promise<T>): Promise<T> {
  const client = await pool.connect();
  try {
    await client.query("begin");
    const result = await work(client);
    await client.query("commit");
    client.release();
    return result;
  } catch (error) {
    // On a connection that hangs, the rollback would hang as well.
    if (isOutage(error)) client.release(true);
    // A connection that can't roll back is closed.
    else
      await client.query("rollback").then(
        () => client.release(),
        () => client.release(true),
      );
    throw error;
  }
}

/** Throws if Postgres can't be reached, or can't be written to, like a standby. */
export async function assertWritable(db: Db): Promise<void> {
  const { rows } = await db.query<{ read_only: string }>(
    "select current_setting('transaction_read_only') as read_only",
  );
  if (rows[0]?.read_only !== "off") throw new Problem("unavailable", "PostgreSQL is read-only");
}

import pg from "pg";
import { Problem } from "../../errors.ts";
import { isOutage } from "../../outage.ts";
import { epochMs, rfc3339 } from "../../../workflows/engine/time.ts";

export type Db = pg.Pool | pg.PoolClient;

const { builtins, getTypeParser } = pg.types;
const date: (text: string) => Date = getTypeParser(builtins.TIMESTAMPTZ, "text");

/** A time that Postgres wrote, as the API writes it. pg's own parser is for years beyond 9999 and other time zones. */
export function timeOf(text: string): string {
  if (text[4] !== "-" || !text.endsWith("+00")) return rfc3339(date(text).getTime());
  return `${text.slice(0, 10)}T${text.slice(11, -3)}Z`;
}

const parsers = new Map<number, (text: string) => unknown>([
  // Raw text: what is inside is parsed by parseJson where somebody looks into it, and by nobody where it only passes through.
  [builtins.JSON, (text) => text],
  [builtins.TIMESTAMPTZ, (text) => epochMs(timeOf(text))],
  [builtins.INT8, Number],
]);

/** Rows come out as the engine speaks: documents as text, times as epoch milliseconds. */
export function createPool(databaseUrl: string, waitsMs = 5_000): pg.Pool {
  const pool = new pg.Pool({
    connectionString: databaseUrl,
    max: 20,
    // For a connection that is made, or one that is in use.
    connectionTimeoutMillis: waitsMs,
    // A Postgres that hangs must look like one that is down, or a waiter would hang with it.
    query_timeout: 15_000,
    keepAlive: true,
    types: { getTypeParser: (id: number, format) => parsers.get(id) ?? getTypeParser(id, format) },
  });
  // An idle connection that breaks is replaced by the pool; without a listener it would end the process.
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
    // A connection that hangs would hang with the rollback for as long again.
    if (isOutage(error)) client.release(true);
    // One that cannot roll back any more is not to be used again.
    else
      await client.query("rollback").then(
        () => client.release(),
        () => client.release(true),
      );
    throw error;
  }
}

/** Throws while Postgres can't be reached, or can't be written to, as a standby can't. */
export async function assertWritable(db: Db): Promise<void> {
  const { rows } = await db.query<{ read_only: string }>(
    "select current_setting('transaction_read_only') as read_only",
  );
  if (rows[0]?.read_only !== "off") throw new Problem("unavailable", "PostgreSQL is read-only");
}

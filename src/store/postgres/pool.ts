import pg from "pg";
import { Problem } from "../../errors.ts";
import { parsers } from "./parsers.ts";

export type Db = pg.Pool | pg.PoolClient;

/** Rows have documents as text and times as epoch milliseconds. */
export function createPool(databaseUrl: string, { size = 20, waitsMs = 5_000 } = {}): pg.Pool {
  const pool = new pg.Pool({
    connectionString: databaseUrl,
    max: size,
    // Until a connection is made, or one that is in use is free.
    connectionTimeoutMillis: waitsMs,
    // A Postgres that hangs is treated like one that is down: nobody waits for it for ever.
    query_timeout: 15_000,
    keepAlive: true,
    types: parsers,
  });
  // The pool replaces an idle connection that breaks. Without a listener its error would end the process.
  pool.on("error", () => {});
  return pool;
}

/** Throws if Postgres can't be reached, or can't be written to, like a standby. */
export async function assertWritable(db: Db): Promise<void> {
  const { rows } = await db.query<{ read_only: string }>(
    "select current_setting('transaction_read_only') as read_only",
  );
  if (rows[0]?.read_only !== "off") throw new Problem("unavailable", "PostgreSQL is read-only");
}

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
    // Sooner, and by Postgres itself: a statement that waits for a lock must not take effect after its caller was told of an outage.
    // Not as a parameter of the connection, which poolers between refuse.
    onConnect: (client) => client.query("set statement_timeout = 14000"),
    keepAlive: true,
    types: parsers,
  });
  // The pool replaces an idle connection that breaks, and tells of it. One that is in use tells by itself, and its next query fails.
  // Without a listener, either error would end the process.
  const ignore = () => {};
  pool.on("error", ignore);
  pool.on("connect", (client) => client.on("error", ignore));
  return pool;
}

const READ_ONLY = "current_setting('transaction_read_only') as read_only";

/** Throws if Postgres can't be reached, or can't be written to, like a standby. */
export const assertWritable = (db: Db): Promise<void> => assertNotReadOnly(db, `select ${READ_ONLY}`);

/** The same, once a commit is as safe as any: on disk, and on the standbys that are waited for. What is committed is a message for nobody. */
export const assertCommits = (db: Db): Promise<void> =>
  assertNotReadOnly(db, `select ${READ_ONLY}, pg_logical_emit_message(true, 'workflow-runs', '')`);

async function assertNotReadOnly(db: Db, sql: string): Promise<void> {
  const { rows } = await db.query<{ read_only: string }>(sql);
  if (rows[0]?.read_only !== "off") throw new Problem("unavailable", "PostgreSQL is read-only");
}

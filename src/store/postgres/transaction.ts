import type pg from "pg";
import { Problem } from "../../errors.ts";
import { isOutage, OUTAGE } from "../../outage.ts";
import { isAnswered } from "../../time/answered-at.ts";

/**
 * More than a transaction waits for anything but Postgres, which is Temporal's answer to a start. What holds its locks for longer is
 * a process that is frozen or cut off: others must not wait for it.
 */
const IDLE_SECS = 20;

/** A connection that is lost meanwhile makes the next query, or the commit, fail. */
export async function inTransaction<T>(pool: pg.Pool, work: (client: pg.PoolClient) => Promise<T>): Promise<T> {
  const client = await pool.connect();
  try {
    await client.query(`begin; set local idle_in_transaction_session_timeout = '${IDLE_SECS}s'`);
    const result = await work(client);
    // They were told of an outage: what is done then is not done.
    if (isAnswered()) throw new Problem("unavailable", OUTAGE);
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

import type pg from "pg";
import { isOutage } from "../../outage.ts";

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

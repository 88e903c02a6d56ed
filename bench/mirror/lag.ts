import pg from "pg";

/**
 * How much later than it happened every completed run and step was there to be read, in ms: from its finished_at, by
 * the run's own clock, to the commit of its row's last change. Needs track_commit_timestamp=on.
 */
export async function mirrorLags(databaseUrl: string): Promise<{ runs: number[]; steps: number[] }> {
  const client = new pg.Client(databaseUrl);
  await client.connect();
  const lagsOf = async (table: string) => {
    const { rows } = await client.query<{ lag: number }>(`
      select extract(epoch from pg_xact_commit_timestamp(xmin) - finished_at)::float8 * 1000 as lag
      from ${table} where status = 'completed'`);
    return rows.map(({ lag }) => lag);
  };
  const lags = { runs: await lagsOf("workflow_runs"), steps: await lagsOf("step_runs") };
  await client.end();
  return lags;
}

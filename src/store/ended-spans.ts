import type { Db } from "./postgres/pool.ts";
import type { EndedSpan } from "../tracing/span.ts";
import type { RunTrace } from "../../workflows/engine/plan.ts";

/** About 100 MB. What a collector that is away does not take in time is lost, the oldest first. */
const MOST_KEPT = 100_000;

/**
 * SQL that inserts the MirroredSpans of a json expression, beside the write of the rows that they are made of: the tables are seen as
 * they were before it. What had ended then is not told again.
 */
export const insertSpansFrom = (json: string) => `
  insert into ended_spans (id, span)
  select told->>'span_id', told
  from json_to_recordset(${json}) as ended(
    span jsonb, again jsonb, run_id uuid, step_run_id uuid, attempt integer)
  left join workflow_runs run on run.id = ended.run_id
  cross join lateral (select case
    when run.reopened_at is null then span
    else span || again || jsonb_build_object('started_at', extract(epoch from run.reopened_at) * 1000) end) as made(told)
  where (run.finished_at is null or run.finished_at <> epoch_ms((span->>'ended_at')::float8))
    and not exists (
      select from step_runs step
      where step.id = ended.step_run_id and step.attempt = ended.attempt and step.finished_at is not null)
    and not exists (
      select from step_attempts earlier
      where earlier.step_run_id = ended.step_run_id and earlier.attempt = ended.attempt)
  on conflict (id) do nothing`;

/**
 * The oldest that are not exported. No other worker takes them for half a minute, which is longer than a collector may take to answer.
 * No transaction stays open meanwhile: it would hold a connection.
 */
export async function takeSpans(db: Db, limit: number): Promise<EndedSpan[]> {
  const { rows } = await db.query<{ span: string }>({
    name: "take_spans",
    text: `
      update ended_spans set taken_until = now() + interval '30 seconds'
      where id = any(array(
        select id from ended_spans
        where exported_at is null and (taken_until is null or taken_until < now())
        order by seq limit $1 for update skip locked))
      returning span`,
    values: [limit],
  });
  return rows.map(({ span }) => JSON.parse(span) as EndedSpan);
}

/** Whoever is next may take them. */
export async function giveBackSpans(db: Db, spans: EndedSpan[]): Promise<void> {
  await db.query("update ended_spans set taken_until = null where id = any($1)", [idsOf(spans)]);
}

export async function noteExported(db: Db, spans: EndedSpan[]): Promise<void> {
  await db.query("update ended_spans set exported_at = now() where id = any($1)", [idsOf(spans)]);
}

const idsOf = (spans: EndedSpan[]): string[] => spans.map(({ span_id }) => span_id);

/** Deletes what was exported a while ago, and what is more than is kept. Answers how many of these were never exported. */
export async function forgetSpans(db: Db): Promise<number> {
  const { rows } = await db.query<{ dropped: number }>(
    `with
       gone as (
         delete from ended_spans
         where exported_at < now() - interval '10 minutes' or seq <= (select max(seq) from ended_spans) - $1
         returning exported_at)
     select count(*)::integer as dropped from gone where exported_at is null`,
    [MOST_KEPT],
  );
  return rows[0]?.dropped ?? 0;
}

/** The traces that some runs are in, by run id. Others are missing. */
export async function findTraces(db: Db, runIds: string[]): Promise<Map<string, RunTrace>> {
  const { rows } = await db.query<{ id: string; trace: RunTrace }>(
    "select id, trace from workflow_runs where id = any($1::uuid[]) and trace is not null",
    [runIds],
  );
  return new Map(rows.map(({ id, trace }) => [id, trace]));
}

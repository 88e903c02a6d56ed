import type { Db } from "./postgres/pool.ts";
import type { MirroredSpan, RunSpans } from "../tracing/run-spans.ts";
import type { EndedSpan } from "../tracing/span.ts";
import type { RunTrace } from "../../workflows/engine/plan.ts";

/** Spans. What a collector that is away does not take in time is lost, the oldest first. */
const MOST_KEPT = 100_000;

/**
 * SQL that inserts the RunSpans of a json expression, beside the write of the rows that they are made of: the tables are seen as they
 * were before it. What had ended then is not told again. Each look is a query of its own, which takes an index: as a join it would
 * read whole tables once they are small enough.
 */
export const insertSpansFrom = (json: string) => `
  insert into ended_spans (common, spans, count, reopened_at)
  select common, fresh.spans, fresh.count, run.reopened_at
  from json_to_recordset(${json}) as told(run_id uuid, common json, spans json)
  left join lateral (
    select finished_at, reopened_at from workflow_runs where id = told.run_id limit 1) as run on true
  cross join lateral (
    select json_agg(span) as spans, count(*) as count
    from json_to_recordset(told.spans) as ended(span json, step_run_id uuid, attempt integer)
    where case when step_run_id is null
      then run.finished_at is null or run.finished_at <> epoch_ms((span->>'ended_at')::float8)
      else (
        select step.finished_at from step_runs step
        where step.id = ended.step_run_id and step.attempt = ended.attempt limit 1) is null
      and (
        select true from step_attempts earlier
        where earlier.step_run_id = ended.step_run_id and earlier.attempt = ended.attempt limit 1) is null
      end) as fresh
  where fresh.count > 0`;

/** Spans that a worker has in hand, and the rows that they are of. */
export interface TakenSpans {
  rows: number[];
  spans: EndedSpan[];
}

/**
 * The oldest, `limit` or a few more. No other worker takes any until these are exported or given back, for half a minute at most, which
 * is longer than a collector may take to answer. No transaction stays open meanwhile: it would hold a connection.
 */
export async function takeSpans(db: Db, limit: number): Promise<TakenSpans> {
  const { rows } = await db.query<{ seq: number; common: string; spans: string; reopened_at: number | null }>({
    name: "take_spans",
    text: `
      with mine as (
        update span_export set taken_until = now() + interval '30 seconds'
        where taken_until < now() and exists (select from ended_spans) returning true)
      select seq, common, spans, reopened_at
      from (
        select *, sum(count) over (order by seq) - count as before
        from (select * from ended_spans order by seq limit $1) as oldest) as counted
      where before < $1 and exists (select from mine)`,
    values: [limit],
  });
  const spans = rows.flatMap(({ common, spans, reopened_at }) => {
    const { trace_id, state, attributes } = JSON.parse(common) as RunSpans["common"];
    const stored = JSON.parse(spans) as (EndedSpan & Pick<MirroredSpan["span"], "again">)[];
    // Copies of so many small objects would take several times as long.
    for (const span of stored) {
      Object.assign(span, { trace_id, state });
      Object.assign(span.attributes, attributes);
      if (span.again && reopened_at !== null) Object.assign(span, span.again, { started_at: reopened_at });
    }
    return stored;
  });
  return { rows: rows.map(({ seq }) => seq), spans };
}

/** Whoever is next may take them. */
export async function giveBackSpans(db: Db): Promise<void> {
  await db.query("update span_export set taken_until = now()");
}

export async function deleteExported(db: Db, { rows }: TakenSpans): Promise<void> {
  await db.query({
    name: "delete_exported_spans",
    text: `
      with exported as (delete from ended_spans where seq = any($1::bigint[]))
      update span_export set taken_until = now()`,
    values: [rows],
  });
}

/** Deletes what is more than is kept. Answers how many spans these were. */
export async function forgetSpans(db: Db): Promise<number> {
  const { rows } = await db.query<{ dropped: number }>(
    `with
       counted as (select seq, sum(count) over (order by seq desc) - count as newer from ended_spans),
       gone as (delete from ended_spans using counted where ended_spans.seq = counted.seq and newer >= $1 returning count)
     select coalesce(sum(count), 0)::integer as dropped from gone`,
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

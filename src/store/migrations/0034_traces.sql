-- The trace that a run is in: absent of one that was triggered while traces were off.
alter table workflow_runs add column trace jsonb;

-- Spans of runs, steps and attempts that are over, until they are exported, and a little longer: what is written again is there once.
-- Only of runs in a trace. Never more than a bound (src/store/ended-spans.ts).
create table ended_spans (
  id text primary key,
  seq bigint generated always as identity,
  span json not null,
  -- A worker has it in hand until then.
  taken_until timestamptz,
  exported_at timestamptz
);
create index ended_spans_due on ended_spans (seq) where exported_at is null;

-- Spans that wait to be exported: a row for all that one write of the mirror has ended of a run. It is written once and deleted once.
create temporary table former_spans on commit drop as select span, seq from ended_spans where exported_at is null;
drop table ended_spans;
create table ended_spans (
  seq bigint generated always as identity primary key,
  -- What all its spans have.
  common json not null,
  spans json not null,
  count integer not null,
  -- Of a run that had gone on after an end.
  reopened_at timestamptz
);
insert into ended_spans (common, spans, count) select json_strip_nulls(json_build_object('trace_id', span->'trace_id', 'state', span->'state', 'attributes', json_build_object('error.type', span->'error'))),
    json_build_array(span), 1
  from former_spans order by seq;

-- Who exports spans, does until then: one worker at a time. A single row.
create table span_export (taken_until timestamptz not null);
insert into span_export values (now());

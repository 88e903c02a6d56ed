-- Why steps waited, or ended as they did, from when on. One row for all steps that began to wait for the same at the same time.
create table run_decisions (
  run_id uuid not null,
  at timestamptz not null,
  -- Follows from the content: what is written twice is there once.
  id uuid not null,
  steps int4multirange not null,
  reason json not null,
  primary key (run_id, at, id)
);

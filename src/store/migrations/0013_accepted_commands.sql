-- Commands that were answered 202, of runs and of bulk operations: what became of them is in run_commands once it is known.
create table accepted_commands (
  run_id uuid not null,
  id text not null,
  verb text not null,
  step_ref text,
  actor text not null,
  accepted_at timestamptz not null default now(),
  primary key (run_id, id)
);

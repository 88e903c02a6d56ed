-- What workers did for a run before Temporal's history holds it: answers of endpoints, and the order in which the run was
-- played ahead. Whoever makes a lost workflow task again, or takes over from a dead worker, asks here before it calls.
create table call_journal (
  run_id uuid not null,
  -- A call: its job run's id and attempt. The beginning of a play: the task that played.
  name text not null,
  seq bigint generated always as identity,
  -- The workflow task in which that was: the execution, and how long its history was. Null for a call that no play heard the end of.
  execution text,
  task integer,
  -- What a play did: see JournalEntry.
  played json,
  -- How a call ended.
  outcome json,
  primary key (run_id, name)
);

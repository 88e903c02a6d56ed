-- What workers did for a run before Temporal's history holds it: answers of endpoints, and the order in which the run was
-- played ahead. Whoever makes a lost workflow task again, or takes over from a dead worker, asks here before it calls.
create table call_journal (
  run_id uuid not null,
  -- A call: its job run's id and attempt. The beginning of a play: "play" and its base.
  name text not null,
  seq bigint generated always as identity,
  -- The run's revision where the play began; null for a call that no play heard the end of.
  base bigint,
  -- What a play did: see JournalEntry.
  played json,
  -- How a call ended.
  outcome json,
  primary key (run_id, name)
);

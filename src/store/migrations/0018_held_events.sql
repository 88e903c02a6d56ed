alter table event_triggers add column notify_status text;

-- A project's events, newest first, and who waits for keys that begin alike.
create index event_triggers_listed on event_triggers (project_id, requested_at desc, step_run_id desc);
create index event_triggers_by_status on event_triggers (project_id, status, requested_at desc, step_run_id desc);
create index event_triggers_waiting on event_triggers (project_id, event_key text_pattern_ops) where status = 'waiting';

-- Events that were sent before anyone waited for them. Each is
--   held       until expires_at, for the first wait that opens under its key;
--   offered    to a wait, as a command to its run: run_commands tells what came of it;
--   delivered  once the run has taken it, or held again if the run has refused it;
--   canceled   by a caller.
create table held_events (
  id uuid primary key,
  project_id text not null,
  event_key text not null,
  status text not null,
  payload json,
  payload_ref uuid,
  hold_secs integer not null,
  sent_by text not null,
  sent_at timestamptz not null,
  expires_at timestamptz not null,
  -- The last offer.
  offers integer not null default 0,
  command_id text,
  trigger_id text,
  trigger_revision bigint,
  run_id uuid,
  step_ref text
);
create index held_events_by_key on held_events (project_id, event_key, sent_at desc);
create index held_events_listed on held_events (project_id, sent_at desc, id desc) where status in ('held', 'canceled');
create index held_events_offered on held_events (project_id) where status = 'offered';

-- Who has the token decides as this person, once, at this attempt of the gate.
create table approval_links (
  token_hash text primary key,
  project_id text not null,
  run_id uuid not null,
  step_run_id uuid not null,
  step_ref text not null,
  requested_at timestamptz not null,
  attempt integer,
  person text not null,
  made_by text not null,
  created_at timestamptz not null default now(),
  expires_at timestamptz not null,
  used_at timestamptz
);
create index approval_links_person on approval_links (step_run_id, person);

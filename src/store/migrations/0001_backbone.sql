-- Times are timestamptz and travel as epoch milliseconds: epoch_ms() on the way in, the pool's type parser on the way out.
-- Documents are json, never jsonb: it keeps \u0000, key order and every digit. A document is inline, or a row of
-- documents that <name>_ref points to. Only what is searched by content (tags) is jsonb.
-- There are no foreign keys into workflow_runs: a run lives in Temporal, and a wait, an output or a job run of it may
-- reach Postgres before its own row does.

create function epoch_ms(ms double precision) returns timestamptz
  language sql immutable parallel safe
  -- Kept within what timestamptz and Date both hold. least and greatest would make a time of null.
  return case when ms is not null then to_timestamp(least(greatest(ms, -2e14), 8.64e15) / 1000) end;

create table documents (
  id uuid primary key default gen_random_uuid(),
  project_id text not null,
  run_id uuid,
  body json not null,
  created_at timestamptz not null default now()
);
create index documents_run on documents (run_id) where run_id is not null;

create table jobs (
  id uuid primary key,
  project_id text not null,
  name text not null,
  slug text not null,
  description text,
  endpoint_url text not null,
  fallback_endpoint_url text,
  max_attempts integer not null,
  timeout_secs integer not null,
  enabled boolean not null,
  execution_mode text not null,
  tags jsonb not null default '{}',
  payload_schema json,
  result_schema json,
  max_concurrency integer,
  run_ttl_secs integer,
  retry_strategy text,
  retry_delays_secs integer[],
  cron text,
  timezone text,
  environment_id text,
  version integer not null,
  version_id text not null,
  version_policy text not null,
  created_by text,
  updated_by text,
  created_at timestamptz not null,
  updated_at timestamptz not null,
  constraint jobs_slug unique (project_id, slug)
);
create index jobs_newest on jobs (project_id, created_at desc, id desc);
create index jobs_tags on jobs using gin (tags);

create table workflows (
  id uuid primary key,
  project_id text not null,
  name text not null,
  slug text not null,
  description text,
  tags jsonb not null default '{}',
  enabled boolean not null,
  timeout_secs integer not null,
  max_concurrent_runs integer not null,
  max_parallel_steps integer not null,
  cron text,
  cron_timezone text,
  skip_if_running boolean not null,
  version integer not null,
  version_id text not null,
  version_policy text not null,
  backwards_compatible boolean,
  created_by text,
  updated_by text,
  created_at timestamptz not null,
  updated_at timestamptz not null,
  constraint workflows_slug unique (project_id, slug)
);
create index workflows_newest on workflows (project_id, created_at desc, id desc);
create index workflows_tags on workflows using gin (tags);

-- Never updated. Runs are pinned to one of these, so it outlives its workflow.
create table workflow_versions (
  version_id text primary key,
  workflow_id uuid not null,
  version integer not null,
  project_id text not null,
  name text not null,
  slug text not null,
  description text,
  enabled boolean not null,
  timeout_secs integer not null,
  max_concurrent_runs integer not null,
  max_parallel_steps integer not null,
  cron text,
  cron_timezone text,
  skip_if_running boolean not null,
  created_by text,
  updated_by text,
  created_at timestamptz not null,
  steps json not null,
  unique (workflow_id, version)
);

create table workflow_runs (
  id uuid primary key,
  workflow_id uuid not null,
  workflow_name text not null,
  project_id text not null,
  workflow_version integer not null,
  workflow_version_id text not null,
  status text not null,
  triggered_by text not null,
  created_by text,
  payload json,
  payload_ref uuid,
  tags jsonb not null default '{}',
  labels json,
  step_overrides json,
  max_parallel_steps integer,
  timeout_secs integer,
  error text,
  created_at timestamptz not null,
  started_at timestamptz,
  finished_at timestamptz,
  expires_at timestamptz,
  retry_of_run_id uuid,
  parent_workflow_run_id uuid,
  parent_step_run_id uuid,
  depth integer not null,
  revision bigint not null
);
create index workflow_runs_newest on workflow_runs (project_id, created_at desc, id desc);
create index workflow_runs_by_status on workflow_runs (project_id, status, created_at desc, id desc);
create index workflow_runs_by_workflow on workflow_runs (workflow_id, created_at desc, id desc);
create index workflow_runs_running on workflow_runs (workflow_id) where status = 'running';
create index workflow_runs_tags on workflow_runs using gin (tags);

create table step_runs (
  id uuid primary key,
  run_id uuid not null,
  idx integer not null,
  workflow_step_id uuid not null,
  step_ref text not null,
  status text not null,
  attempt integer not null,
  generation integer not null,
  cause text,
  deps_completed integer not null,
  deps_required integer not null,
  job_run_id uuid,
  output json,
  output_ref uuid,
  error text,
  created_at timestamptz not null,
  started_at timestamptz,
  finished_at timestamptz,
  revision bigint not null,
  unique (run_id, idx)
);

create table approvals (
  id text primary key,
  run_id uuid not null,
  step_run_id uuid not null unique,
  approvers json not null,
  status text not null,
  approved_by text,
  requested_at timestamptz not null,
  approved_at timestamptz,
  expires_at timestamptz,
  error text,
  revision bigint not null
);
create index approvals_run on approvals (run_id);

create table event_triggers (
  id text primary key,
  project_id text not null,
  event_key text not null,
  run_id uuid not null,
  step_run_id uuid not null,
  step_ref text not null,
  source text not null,
  status text not null,
  timeout_secs integer not null,
  requested_at timestamptz not null,
  expires_at timestamptz,
  received_at timestamptz,
  response_payload json,
  response_payload_ref uuid,
  notify_url text,
  sent_by text,
  error text,
  revision bigint not null
);
-- Who holds an event key. Approvals and sleeps have keys of their own making that need no claim, and must not be able
-- to collide with one: their rows are written by the mirror, which may not fail.
create unique index event_triggers_claim on event_triggers (project_id, event_key)
  where status = 'waiting' and source = 'wait_for_event';
create index event_triggers_by_key on event_triggers (project_id, event_key, requested_at desc);
create index event_triggers_run on event_triggers (run_id);

create table job_runs (
  id uuid primary key,
  job_id uuid not null,
  project_id text not null,
  run_id uuid not null,
  step_run_id uuid not null,
  status text not null,
  attempt integer not null,
  output json,
  output_ref uuid,
  error text,
  started_at timestamptz not null,
  finished_at timestamptz,
  revision bigint not null
);
create index job_runs_run on job_runs (run_id);
create index job_runs_job on job_runs (job_id);

create table run_commands (
  run_id uuid not null,
  id text not null,
  outcome json not null,
  at timestamptz not null,
  primary key (run_id, id)
);

create table idempotency_keys (
  project_id text not null,
  operation text not null,
  key text not null,
  body_hash text not null,
  run_id uuid not null,
  created_at timestamptz not null default now(),
  primary key (project_id, operation, key)
);

-- Whether the runs of the version before may go on in this one.
alter table workflow_versions add column backwards_compatible boolean;

-- What definitions of a project may not be. Each is off at 0, false or empty.
create table workflow_policies (
  id uuid primary key,
  project_id text not null unique,
  max_fan_out integer not null,
  max_depth integer not null,
  forbidden_step_types text[] not null,
  require_approval_for_deploy boolean not null,
  created_at timestamptz not null,
  updated_at timestamptz not null
);

-- A workflow's open runs, of every version: counted at a trigger under a limit, asked about by a change and a deletion.
create index workflow_runs_open on workflow_runs (workflow_id, status, workflow_version_id)
  where status in ('pending', 'running', 'paused');
drop index workflow_runs_running;

-- What a step's attempt was, once another followed it. The latest attempt is the step's own row.
create table step_attempts (
  step_run_id uuid not null,
  attempt integer not null,
  run_id uuid not null,
  status text not null,
  cause text,
  job_run_id uuid,
  output json,
  output_ref uuid,
  error text,
  approval json,
  started_at timestamptz,
  finished_at timestamptz,
  primary key (step_run_id, attempt)
);
create index step_attempts_run on step_attempts (run_id);

-- Of the latest attempt, where it is not the first of its job run.
alter table step_runs add column attempt_started_at timestamptz;

-- The newest run that retries a run.
alter table workflow_runs add column retried_by_run_id uuid;
update workflow_runs source set retried_by_run_id = retry.id
from (
  select distinct on (retry_of_run_id) retry_of_run_id as source_id, id from workflow_runs
  where retry_of_run_id is not null order by retry_of_run_id, id desc) retry
where source.id = retry.source_id;

create function name_newest_retry() returns trigger language plpgsql as $$
begin
  update workflow_runs set retried_by_run_id = new.id
  where id = new.retry_of_run_id and (retried_by_run_id is null or retried_by_run_id < new.id);
  return new;
end $$;
-- Before and not after: a retry is newer than its source, and so rows are locked in the order in which the mirror locks them.
create trigger retry_of_run before insert on workflow_runs
  for each row when (new.retry_of_run_id is not null) execute function name_newest_retry();

-- Each index is in the order of a list. One that few runs are in costs the others nothing.
create index workflow_runs_by_creator on workflow_runs (project_id, created_by, created_at desc, id desc)
  include (workflow_id, status);
create index workflow_runs_by_trigger on workflow_runs (project_id, triggered_by, created_at desc, id desc)
  where triggered_by <> 'manual';
create index workflow_runs_finished on workflow_runs (project_id, finished_at desc, id desc)
  include (created_at) where finished_at is not null;
create index workflow_runs_retried on workflow_runs (project_id, created_at desc, id desc) where retried_by_run_id is not null;

-- Counts by status and workflow are read from the index alone: a run whose status changes has a new entry in each anyway.
create index workflow_runs_with_workflow on workflow_runs (project_id, status, created_at desc, id desc) include (workflow_id);
drop index workflow_runs_by_status;
alter index workflow_runs_with_workflow rename to workflow_runs_by_status;
create index workflow_runs_with_status on workflow_runs (workflow_id, created_at desc, id desc) include (status);
drop index workflow_runs_by_workflow;
alter index workflow_runs_with_status rename to workflow_runs_by_workflow;

-- Texts within errors. Where Postgres has no pg_trgm, or its user may not create it, the runs with an error are read one by one.
do $$ begin
  if exists (select from pg_available_extensions where name = 'pg_trgm') then
    create extension if not exists pg_trgm;
    create index workflow_runs_error on workflow_runs using gin (error gin_trgm_ops) where error is not null;
  end if;
exception when insufficient_privilege then
  raise notice 'no index for error_contains: %', sqlerrm;
end $$;

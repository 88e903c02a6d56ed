-- Who started a run that retries another one, whose created_by it keeps.
alter table workflow_runs add column retried_by text;

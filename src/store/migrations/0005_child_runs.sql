-- The run that a sub_workflow step started: a retry of the step goes on in it.
alter table step_runs add column child_run_id uuid;

-- The sub-workflows of a run, which end with it.
create index workflow_runs_by_parent on workflow_runs (parent_workflow_run_id) where parent_workflow_run_id is not null;

-- The sub-workflows of a run, which end with it.
create index workflow_runs_by_parent on workflow_runs (parent_workflow_run_id) where parent_workflow_run_id is not null;

-- Whether a run is among those of an operation.
create index bulk_operation_items_by_run on bulk_operation_items (run_id, operation_id);

-- Workflows of which a run has kept a thread of a worker busy without end: their runs are watched from then on.
create table stuck_workflows (
  workflow_id uuid primary key,
  run_id uuid not null,
  at timestamptz not null default now()
);

-- The selection of a bulk operation is frozen here when it is created, and each run's outcome is kept here. `status` is
-- a mirror of the operation's Temporal workflow, newest revision wins; the counts change together with the items.
create table bulk_operations (
  id uuid primary key,
  project_id text not null,
  operation text not null,
  status text not null,
  filter json,
  reason text,
  max_per_second integer,
  total integer not null,
  applied integer not null default 0,
  skipped integer not null default 0,
  failed integer not null default 0,
  created_by text not null,
  created_at timestamptz not null,
  finished_at timestamptz,
  revision bigint not null
);
create index bulk_operations_newest on bulk_operations (project_id, created_at desc, id desc);

create table bulk_operation_items (
  operation_id uuid not null,
  position integer not null,
  run_id uuid not null,
  status text not null default 'pending',
  code text,
  error text,
  new_run_id uuid,
  settled_at timestamptz,
  primary key (operation_id, position)
);
create index bulk_operation_items_by_status on bulk_operation_items (operation_id, status, position);

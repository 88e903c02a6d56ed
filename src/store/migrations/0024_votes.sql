-- Approvals of several voices, and the inbox of who is to decide them.
alter table approvals add column project_id text;
alter table approvals add column step_ref text;
alter table approvals add column required integer;
alter table approvals add column exclude json;
alter table approvals add column votes json;
alter table approvals add column comments json;
-- When it has to be decided; of one without an end, far in the future, the oldest first.
alter table approvals add column due_at timestamptz;

update approvals set
  project_id = run.project_id, step_ref = step.step_ref,
  due_at = coalesce(approvals.expires_at, approvals.requested_at + interval '876600 hours')
from workflow_runs run, step_runs step
where run.id = approvals.run_id and step.id = approvals.step_run_id;

create index approvals_due on approvals (project_id, due_at, step_run_id) where status = 'pending';
create index approvals_asked on approvals (project_id, requested_at desc, step_run_id desc);
-- What waits for somebody, and what did: by each approver's name.
create index approvals_waiting_for on approvals using gin ((approvers::jsonb)) where status = 'pending';

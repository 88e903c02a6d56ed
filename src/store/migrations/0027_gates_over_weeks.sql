-- What becomes of a gate while nobody decides it. Columns without a default: no row is written anew.
alter table approvals add column escalation_level integer;
alter table approvals add column escalated_at timestamptz;
alter table approvals add column reminders integer;
alter table approvals add column reminded_at timestamptz;
alter table approvals add column reassignments json;
alter table approvals add column extensions json;

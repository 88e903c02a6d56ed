-- The step that an operation is about, and whether its creator may pass approvals of others.
alter table bulk_operations add column step_ref text;
alter table bulk_operations add column may_override boolean not null default false;

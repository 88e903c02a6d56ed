-- The step that an operation is about, and what its creator's token said: in whose name approvals are decided and passed.
alter table bulk_operations add column step_ref text;
alter table bulk_operations add column groups text[];
alter table bulk_operations add column may_override boolean not null default false;

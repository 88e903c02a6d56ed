-- Of approvals that need more than one voice, and what was said.
alter table approvals add column required integer;
alter table approvals add column votes json;
alter table approvals add column comments json;

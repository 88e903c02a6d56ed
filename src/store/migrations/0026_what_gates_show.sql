-- What a gate shows, and which attempt of its step it is. Of one that waits, that is the step's own; of others it was not kept.
alter table approvals add column attempt integer;
alter table approvals add column shown json;
alter table approvals add column shown_hash text;
alter table approvals add column option text;

update approvals set attempt = step.attempt
from step_runs step
where step.id = approvals.step_run_id and approvals.status = 'pending';

-- What a job is called with besides.
alter table jobs add column headers json;

-- What a job was, version by version. The live one is among them.
create table job_versions (like jobs);
alter table job_versions add primary key (id, version);
insert into job_versions select * from jobs;

-- One that a trigger of its job made is there before it starts; any other is made when it starts.
alter table job_runs alter column started_at drop not null;
alter table job_runs add column created_at timestamptz;

-- Lists, newest first, and what a job did of late.
drop index job_runs_job;
create index job_runs_by_job on job_runs (job_id, (coalesce(created_at, started_at)) desc, id desc);
create index job_runs_newest on job_runs (project_id, (coalesce(created_at, started_at)) desc, id desc);
-- Most are completed, and written once: those are found in the others' order.
create index job_runs_by_status on job_runs (project_id, status, (coalesce(created_at, started_at)) desc, id desc)
  where status <> 'completed';
create index job_runs_open on job_runs (job_id) where finished_at is null;

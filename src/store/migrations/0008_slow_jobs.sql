-- The last call of the job took long, as a worker saw it: runs that begin are told, and need not find out.
alter table jobs add column slow boolean not null default false;

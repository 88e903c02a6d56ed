-- In which version the runs of a bulk retry or replay go on.
alter table bulk_operations add column version text;

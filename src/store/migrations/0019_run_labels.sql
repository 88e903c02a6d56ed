-- A run's labels as rows, as run_tags has its tags. Until now a label could be larger than an index has room for: such a one is
-- shown, and not found.
create table run_labels (
  project_id text not null,
  key text not null,
  value text not null,
  created_at timestamptz not null,
  run_id uuid not null,
  primary key (project_id, key, created_at, run_id)
);
create index run_labels_by_value on run_labels (project_id, key, value, created_at, run_id);

create function labels_to_find(labels json) returns table (key text, value text) language sql immutable as $$
  select key, value from json_each_text(labels) where octet_length(key) <= 64 and octet_length(value) <= 256
$$;

insert into run_labels (project_id, key, value, created_at, run_id)
select project_id, label.key, label.value, created_at, id from workflow_runs, labels_to_find(labels) label
where labels is not null;

create function keep_run_labels() returns trigger language plpgsql as $$
begin
  if tg_op <> 'INSERT' then
    delete from run_labels using labels_to_find(old.labels) label
    where run_labels.project_id = old.project_id and run_labels.key = label.key
      and run_labels.created_at = old.created_at and run_labels.run_id = old.id;
  end if;
  if tg_op <> 'DELETE' then
    insert into run_labels (project_id, key, value, created_at, run_id)
    select new.project_id, label.key, label.value, new.created_at, new.id from labels_to_find(new.labels) label;
  end if;
  return null;
end $$;
create trigger run_labels_of_new after insert on workflow_runs
  for each row when (new.labels is not null) execute function keep_run_labels();
-- The mirror changes neither: this is for hands and for retention.
create trigger run_labels_of_changed after delete or update of project_id, labels, created_at on workflow_runs
  for each row execute function keep_run_labels();

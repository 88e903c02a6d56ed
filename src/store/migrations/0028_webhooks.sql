create table webhooks (
  id uuid primary key,
  project_id text not null,
  events text[] not null,
  format text not null,
  url text,
  -- In clear: what is sent is signed with it.
  secret text,
  mail_to text[],
  links_for text[],
  enabled boolean not null,
  created_by text not null,
  updated_by text not null,
  created_at timestamptz not null,
  updated_at timestamptz not null
);
create index webhooks_newest on webhooks (project_id, created_at desc, id desc);

-- What is to be sent, born with the change that it tells of. new: no workflow delivers it yet.
create table webhook_deliveries (
  id uuid primary key,
  webhook_id uuid not null,
  message_id text not null,
  project_id text not null,
  event text not null,
  run_id uuid not null,
  step_ref text,
  subject json not null,
  status text not null default 'new',
  -- How often it was sent again by hand.
  round integer not null default 0,
  attempts integer not null default 0,
  last_error text,
  -- Of a mail: the address. Each has a delivery of its own.
  recipient text,
  created_at timestamptz not null default now(),
  last_attempt_at timestamptz,
  delivered_at timestamptz
);
create index webhook_deliveries_new on webhook_deliveries (created_at) where status = 'new';
create index webhook_deliveries_newest on webhook_deliveries (webhook_id, created_at desc, id desc);
create index webhook_deliveries_dead on webhook_deliveries (webhook_id, created_at desc, id desc) where status = 'dead';

create function tell_webhooks(project text, told text, happened text, run uuid, ref text, subject json) returns void
  language sql as $$
  insert into webhook_deliveries (id, webhook_id, message_id, project_id, event, run_id, step_ref, subject, recipient)
  select overlay(overlay(md5(concat_ws('/', webhook.id, happened, address)) placing '8' from 13) placing '8' from 17)::uuid,
    webhook.id, 'msg_' || md5(concat_ws('/', happened, address)), project, told, run, ref, subject, address
  from webhooks webhook
  cross join lateral (
    select null as address where webhook.format <> 'mail'
    union
    select name
    from unnest(coalesce(webhook.mail_to, array(select json_array_elements_text(subject -> 'gate' -> 'approvers')))) name
    where webhook.format = 'mail' and length(name) <= 254
      and name ~ '^[^[:space:]@<>(),;:"\\]+@[^[:space:]@<>(),;:"\\]+$'
  ) recipient
  where webhook.project_id = project and webhook.enabled
    and webhook.events && array[told, split_part(told, '.', 1) || '.*', '*']
  on conflict (id) do nothing
$$;

-- Triggers, because only the row itself tells under its lock what it was before: of writes that race, or come twice, one changes it.
create function tell_of_run() returns trigger language plpgsql as $$
begin
  if exists (select from webhooks where project_id = new.project_id) then
    perform tell_webhooks(
      new.project_id, 'workflow_run.' || new.status, concat_ws('/', new.id, new.status, new.revision), new.id, null,
      json_build_object(
        'from', case when tg_op = 'UPDATE' then old.status end, 'to', new.status, 'error', new.error,
        'at', extract(epoch from clock_timestamp()) * 1000));
  end if;
  return null;
end $$;

create trigger run_told_when_new after insert on workflow_runs for each row execute function tell_of_run();
create trigger run_told_when_changed after update of status on workflow_runs for each row
  when (old.status is distinct from new.status) execute function tell_of_run();

-- One write may be several changes: a gate that is reassigned while it escalates.
create function tell_of_approval() returns trigger language plpgsql as $$
declare
  -- A gate that asks again is another one, in the same row.
  is_same boolean := tg_op = 'UPDATE' and old.requested_at = new.requested_at;
  what text;
begin
  if not exists (select from webhooks where project_id = new.project_id) then
    return null;
  end if;
  foreach what in array array_remove(case
    when is_same and old.status = new.status and new.status = 'pending' then array[
      case when coalesce(new.escalation_level, 0) > coalesce(old.escalation_level, 0) then 'escalated' end,
      case when coalesce(json_array_length(new.reassignments), 0) > coalesce(json_array_length(old.reassignments), 0)
        then 'reassigned' end,
      case when coalesce(new.reminders, 0) > coalesce(old.reminders, 0) then 'reminder' end]
    when is_same and old.status = new.status then array[]::text[]
    else array[case new.status
      when 'pending' then 'requested' when 'timed_out' then 'expired' when 'canceled' then 'canceled' else 'decided' end]
  end, null) loop
    perform tell_webhooks(
      new.project_id, 'approval.' || what,
      concat_ws('/', new.step_run_id, extract(epoch from new.requested_at), what, new.status,
        case what when 'escalated' then new.escalation_level when 'reminder' then new.reminders
          when 'reassigned' then json_array_length(new.reassignments) end),
      new.run_id, new.step_ref,
      json_build_object(
        'at', extract(epoch from clock_timestamp()) * 1000,
        'gate', json_build_object(
          'id', new.id, 'run_id', new.run_id, 'step_run_id', new.step_run_id, 'step_ref', new.step_ref,
          'project_id', new.project_id, 'attempt', new.attempt, 'approvers', new.approvers, 'shown', new.shown,
          'shown_hash', new.shown_hash, 'option', new.option, 'required', new.required, 'status', new.status,
          'approved_by', new.approved_by, 'error', new.error, 'votes', new.votes, 'comments', new.comments,
          'escalation_level', new.escalation_level, 'reminders', new.reminders, 'reassignments', new.reassignments,
          'extensions', new.extensions, 'revision', new.revision,
          'requested_at', extract(epoch from new.requested_at) * 1000,
          'approved_at', extract(epoch from new.approved_at) * 1000,
          'expires_at', extract(epoch from new.expires_at) * 1000,
          'escalated_at', extract(epoch from new.escalated_at) * 1000,
          'reminded_at', extract(epoch from new.reminded_at) * 1000)));
  end loop;
  return null;
end $$;

create trigger approval_told_when_new after insert on approvals for each row execute function tell_of_approval();
create trigger approval_told_when_changed after update on approvals for each row
  when (old.status is distinct from new.status or old.requested_at is distinct from new.requested_at
    or old.escalation_level is distinct from new.escalation_level or old.reminders is distinct from new.reminders
    or old.reassignments::text is distinct from new.reassignments::text)
  execute function tell_of_approval();

-- A gate is known by its attempt, not by the time at which it asked: a workflow task that was lost after it had been mirrored is made
-- again a moment later, and opens the same gate. It was told twice, under two ids. Rows of older versions have no attempt.
create or replace function tell_of_approval() returns trigger language plpgsql as $$
declare
  -- A gate that asks again is another one, in the same row.
  is_same boolean := tg_op = 'UPDATE'
    and (old.requested_at = new.requested_at or coalesce(old.attempt = new.attempt, false));
  escalated integer := coalesce(new.escalation_level, 0);
  told_before integer := case when is_same then coalesce(old.escalation_level, 0) else 0 end;
  what text;
begin
  if not exists (select from webhooks where project_id = new.project_id) then
    return null;
  end if;
  foreach what in array array_remove(case
    when is_same and old.status = new.status and new.status = 'pending' then array[
      case when escalated > told_before then 'escalated' end,
      case when coalesce(json_array_length(new.reassignments), 0) > coalesce(json_array_length(old.reassignments), 0)
        then 'reassigned' end,
      case when coalesce(new.reminders, 0) > coalesce(old.reminders, 0) then 'reminder' end]
    when is_same and old.status = new.status then array[]::text[]
    when new.status = 'pending' then array['requested', case when escalated > 0 then 'escalated' end]
    else array[case new.status when 'timed_out' then 'expired' when 'canceled' then 'canceled' else 'decided' end]
  end, null) loop
    perform tell_webhooks(
      new.project_id, 'approval.' || what,
      concat_ws('/', new.step_run_id, coalesce(new.attempt, extract(epoch from new.requested_at)), what, new.status,
        case what when 'escalated' then new.escalation_level when 'reminder' then new.reminders
          when 'reassigned' then json_array_length(new.reassignments) end),
      new.run_id, new.step_ref,
      json_build_object(
        'at', extract(epoch from clock_timestamp()) * 1000,
        -- Of all steps that this write is the first to tell of.
        'notify', case what when 'escalated' then (
          select json_agg(distinct name)
          from json_array_elements(new.notify) with ordinality step(names, level), json_array_elements_text(names) name
          where level > told_before) end,
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

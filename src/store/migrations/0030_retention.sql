-- When the run was asked to go on last after it had ended. It is open again, or it has heard that command by its next end.
alter table workflow_runs add column reopened_at timestamptz;
-- The run that a repeated request was answered with is deleted: it is not made again.
alter table idempotency_keys add column deleted_at timestamptz;
create index idempotency_keys_run on idempotency_keys (run_id);

-- Who reads what a run has kept.
create index workflow_runs_by_source on workflow_runs (retry_of_run_id) where retry_of_run_id is not null;
create index held_events_run on held_events (run_id) where run_id is not null;

create index approval_links_run on approval_links (run_id);
create index webhook_deliveries_run on webhook_deliveries (run_id);

-- Where a stored document is shown. Most documents are inline: few rows are in these.
create function documents_in(step_payloads json) returns uuid[] language sql immutable parallel safe as $$
  select array(select (value->>'ref')::uuid from json_each(step_payloads) where value->>'ref' is not null)
$$;
create index workflow_runs_payload_ref on workflow_runs (payload_ref) where payload_ref is not null;
create index workflow_runs_step_payload_refs on workflow_runs using gin (documents_in(step_payloads))
  where step_payloads is not null;
create index step_attempts_output_ref on step_attempts (output_ref) where output_ref is not null;
create index event_triggers_payload_ref on event_triggers (response_payload_ref) where response_payload_ref is not null;

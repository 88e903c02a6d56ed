import { insertEventTriggersFrom } from "../event-triggers.ts";
import { insertRunsFrom } from "../runs.ts";

// Each is SQL that writes the rows of a json expression. A stored row of a newer revision stays.

export const upsertRuns = (json: string): string => `
  ${insertRunsFrom(json)}
  on conflict (id) do update set
    status = excluded.status, error = excluded.error, payload = excluded.payload, payload_ref = excluded.payload_ref,
    step_payloads = excluded.step_payloads, involved = excluded.involved, started_at = excluded.started_at,
    finished_at = excluded.finished_at, expires_at = excluded.expires_at, revision = excluded.revision,
    workflow_name = excluded.workflow_name, workflow_version = excluded.workflow_version,
    workflow_version_id = excluded.workflow_version_id, max_parallel_steps = excluded.max_parallel_steps,
    timeout_secs = excluded.timeout_secs
  where workflow_runs.revision < excluded.revision`;

export const upsertSteps = (json: string): string => `
  insert into step_runs (
    id, run_id, idx, workflow_step_id, step_ref, status, attempt, generation, cause, deps_completed, deps_required,
    job_run_id, child_run_id, output, output_ref, error, created_at, started_at, attempt_started_at, finished_at, revision)
  select
    id, run_id, idx, workflow_step_id, step_ref, status, attempt, generation, cause, deps_completed, deps_required,
    job_run_id, child_run_id, (output->>'text')::json, (output->>'ref')::uuid, error,
    epoch_ms(created_at), epoch_ms(started_at), epoch_ms(attempt_started_at), epoch_ms(finished_at), revision
  from json_to_recordset(${json}) as step(
    id uuid, run_id uuid, idx integer, workflow_step_id uuid, step_ref text, status text, attempt integer,
    generation integer, cause text, deps_completed integer, deps_required integer, job_run_id uuid, child_run_id uuid, output json,
    error text, created_at float8, started_at float8, attempt_started_at float8, finished_at float8, revision bigint)
  on conflict (id) do update set
    status = excluded.status, attempt = excluded.attempt, generation = excluded.generation, cause = excluded.cause,
    workflow_step_id = excluded.workflow_step_id, deps_completed = excluded.deps_completed,
    deps_required = excluded.deps_required, job_run_id = excluded.job_run_id, child_run_id = excluded.child_run_id, output = excluded.output,
    output_ref = excluded.output_ref, error = excluded.error, started_at = excluded.started_at,
    attempt_started_at = excluded.attempt_started_at, finished_at = excluded.finished_at, revision = excluded.revision
  where step_runs.revision < excluded.revision`;

export const upsertApprovals = (json: string): string => `
  insert into approvals (
    id, run_id, step_run_id, project_id, step_ref, approvers, required, exclude, status, approved_by, requested_at,
    approved_at, expires_at, due_at, error, votes, comments, attempt, shown, shown_hash, option, escalation_level,
    escalated_at, notify, reminders, reminded_at, reassignments, extensions, revision)
  select
    id, run_id, step_run_id, project_id, step_ref, approvers, required, exclude, status, approved_by,
    epoch_ms(requested_at), epoch_ms(approved_at), epoch_ms(expires_at),
    coalesce(epoch_ms(expires_at), epoch_ms(requested_at) + interval '876600 hours'), error, votes, comments,
    attempt, shown, shown_hash, option, escalation_level, epoch_ms(escalated_at), notify, reminders, epoch_ms(reminded_at),
    reassignments, extensions, revision
  from json_to_recordset(${json}) as approval(
    id text, run_id uuid, step_run_id uuid, project_id text, step_ref text, approvers json, required integer,
    exclude json, status text, approved_by text,
    requested_at float8, approved_at float8, expires_at float8, error text, votes json, comments json,
    attempt integer, shown json, shown_hash text, option text, escalation_level integer, escalated_at float8,
    notify json, reminders integer, reminded_at float8, reassignments json, extensions json, revision bigint)
  on conflict (id) do update set
    status = excluded.status, approvers = excluded.approvers, attempt = excluded.attempt, shown = excluded.shown,
    shown_hash = excluded.shown_hash, option = excluded.option, approved_by = excluded.approved_by, requested_at = excluded.requested_at,
    approved_at = excluded.approved_at, expires_at = excluded.expires_at, due_at = excluded.due_at,
    error = excluded.error, votes = excluded.votes, comments = excluded.comments, escalation_level = excluded.escalation_level,
    escalated_at = excluded.escalated_at, notify = excluded.notify, reminders = excluded.reminders, reminded_at = excluded.reminded_at,
    reassignments = excluded.reassignments, extensions = excluded.extensions, revision = excluded.revision
  where approvals.revision < excluded.revision`;

// Only claimEventTrigger claims an event key. The mirror does not make an event's row wait, nor does it change a key, so it can't
// break the uniqueness of a claim.
export const upsertEventTriggers = (json: string): string => `
  ${insertEventTriggersFrom(
    json,
    `source <> 'wait_for_event' or status <> 'waiting'
       or exists (select from event_triggers held where held.id = trigger.id and held.status = 'waiting')`,
  )}
  on conflict (id) do update set
    status = excluded.status, timeout_secs = excluded.timeout_secs, requested_at = excluded.requested_at,
    expires_at = excluded.expires_at, received_at = excluded.received_at, response_payload = excluded.response_payload,
    response_payload_ref = excluded.response_payload_ref, notify_url = excluded.notify_url,
    notify_status = excluded.notify_status, sent_by = excluded.sent_by, error = excluded.error, revision = excluded.revision
  where event_triggers.revision < excluded.revision
    and (excluded.source <> 'wait_for_event' or excluded.status <> 'waiting' or event_triggers.status = 'waiting')`;

export const upsertJobRuns = (json: string): string => `
  insert into job_runs (
    id, job_id, project_id, run_id, step_run_id, status, attempt, output, output_ref, error, created_at, started_at,
    finished_at, revision)
  select
    id, job_id, project_id, run_id, step_run_id, status, attempt, (output->>'text')::json, (output->>'ref')::uuid, error,
    epoch_ms(created_at), epoch_ms(started_at), epoch_ms(finished_at), revision
  from json_to_recordset(${json}) as job_run(
    id uuid, job_id uuid, project_id text, run_id uuid, step_run_id uuid, status text, attempt integer, output json,
    error text, created_at float8, started_at float8, finished_at float8, revision bigint)
  on conflict (id) do update set
    status = excluded.status, attempt = excluded.attempt, output = excluded.output, output_ref = excluded.output_ref,
    error = excluded.error, started_at = excluded.started_at, finished_at = excluded.finished_at,
    revision = excluded.revision
  where job_runs.revision < excluded.revision`;

// A signal that was written by hand may have an id of any length. One that is too long for the index must not stop the mirror.
export const insertCommands = (json: string): string => `
  insert into run_commands (run_id, id, outcome, shown, at)
  select run_id, outcome->>'id', outcome, shown, epoch_ms((outcome->>'at')::float8)
  from json_to_recordset(${json}) as command(run_id uuid, outcome json, shown json)
  where octet_length(outcome->>'id') <= 1024
  on conflict (run_id, id) do nothing
  returning run_id, id, outcome`;

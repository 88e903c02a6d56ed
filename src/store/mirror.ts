import { recordOf } from "./columns.ts";
import { insertTriggersFrom } from "./event-triggers.ts";
import { tellOfRuns } from "./notices.ts";
import type { Db } from "./pool.ts";
import { insertRunsFrom } from "./runs.ts";
import { insertAttemptsFrom } from "./step-attempts.ts";
import type { MirrorRows } from "../../workflows/engine/rows.ts";

/**
 * Writes what changed of some runs, each named once, in one round trip. Of each row the newest revision stays, so that
 * writes may be repeated, arrive late, or race each other.
 */
export async function writeMirror(db: Db, changes: MirrorRows[]): Promise<void> {
  // In one order, so that writers that meet wait for each other instead of locking each other out.
  const sorted = changes.toSorted((a, b) => (a.run.id < b.run.id ? -1 : 1));
  // In the order of the parameters below.
  const rows = [
    sorted.map(({ run }) => run),
    sorted.flatMap(({ steps }) => steps),
    sorted.flatMap(({ approvals }) => approvals),
    sorted.flatMap(({ triggers }) => triggers),
    sorted.flatMap(({ job_runs }) => job_runs),
    sorted.flatMap(({ attempts = [] }) => attempts),
    sorted.flatMap(({ run, commands, replies = {} }) =>
      commands.map((outcome) => ({ run_id: run.id, outcome, shown: replies[outcome.id] })),
    ),
  ];
  await db.query({ name: "write_mirror", text: WRITE_MIRROR, values: rows.map(recordOf) });
}

// A parameter each: of one for all, Postgres would read the whole text again for every kind of row.
const RUNS = "$1::json";
const STEPS = "$2::json";
const APPROVALS = "$3::json";
const TRIGGERS = "$4::json";
const JOB_RUNS = "$5::json";
const ATTEMPTS = "$6::json";
const COMMANDS = "$7::json";

const UPSERT_RUN = `
  ${insertRunsFrom(RUNS)}
  on conflict (id) do update set
    status = excluded.status, error = excluded.error, payload = excluded.payload, payload_ref = excluded.payload_ref,
    step_payloads = excluded.step_payloads, started_at = excluded.started_at,
    finished_at = excluded.finished_at, expires_at = excluded.expires_at, revision = excluded.revision
  where workflow_runs.revision < excluded.revision`;

const UPSERT_STEPS = `
  insert into step_runs (
    id, run_id, idx, workflow_step_id, step_ref, status, attempt, generation, cause, deps_completed, deps_required,
    job_run_id, child_run_id, output, output_ref, error, created_at, started_at, attempt_started_at, finished_at, revision)
  select
    id, run_id, idx, workflow_step_id, step_ref, status, attempt, generation, cause, deps_completed, deps_required,
    job_run_id, child_run_id, (output->>'text')::json, (output->>'ref')::uuid, error,
    epoch_ms(created_at), epoch_ms(started_at), epoch_ms(attempt_started_at), epoch_ms(finished_at), revision
  from json_to_recordset(${STEPS}) as step(
    id uuid, run_id uuid, idx integer, workflow_step_id uuid, step_ref text, status text, attempt integer,
    generation integer, cause text, deps_completed integer, deps_required integer, job_run_id uuid, child_run_id uuid, output json,
    error text, created_at float8, started_at float8, attempt_started_at float8, finished_at float8, revision bigint)
  on conflict (id) do update set
    status = excluded.status, attempt = excluded.attempt, generation = excluded.generation, cause = excluded.cause,
    deps_completed = excluded.deps_completed, job_run_id = excluded.job_run_id, child_run_id = excluded.child_run_id, output = excluded.output,
    output_ref = excluded.output_ref, error = excluded.error, started_at = excluded.started_at,
    attempt_started_at = excluded.attempt_started_at, finished_at = excluded.finished_at, revision = excluded.revision
  where step_runs.revision < excluded.revision`;

const UPSERT_APPROVALS = `
  insert into approvals (
    id, run_id, step_run_id, approvers, status, approved_by, requested_at, approved_at, expires_at, error, revision)
  select
    id, run_id, step_run_id, approvers, status, approved_by,
    epoch_ms(requested_at), epoch_ms(approved_at), epoch_ms(expires_at), error, revision
  from json_to_recordset(${APPROVALS}) as approval(
    id text, run_id uuid, step_run_id uuid, approvers json, status text, approved_by text,
    requested_at float8, approved_at float8, expires_at float8, error text, revision bigint)
  on conflict (id) do update set
    status = excluded.status, approved_by = excluded.approved_by, requested_at = excluded.requested_at,
    approved_at = excluded.approved_at, expires_at = excluded.expires_at, error = excluded.error,
    revision = excluded.revision
  where approvals.revision < excluded.revision`;

// An event key is claimed by claimTrigger and by nothing else: the mirror neither brings an event's row into waiting nor
// changes any row's key, so it can never be the one that breaks the claim's uniqueness.
const UPSERT_TRIGGERS = `
  ${insertTriggersFrom(
    TRIGGERS,
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

const UPSERT_JOB_RUNS = `
  insert into job_runs (
    id, job_id, project_id, run_id, step_run_id, status, attempt, output, output_ref, error, started_at, finished_at, revision)
  select
    id, job_id, project_id, run_id, step_run_id, status, attempt, (output->>'text')::json, (output->>'ref')::uuid, error,
    epoch_ms(started_at), epoch_ms(finished_at), revision
  from json_to_recordset(${JOB_RUNS}) as job_run(
    id uuid, job_id uuid, project_id text, run_id uuid, step_run_id uuid, status text, attempt integer, output json,
    error text, started_at float8, finished_at float8, revision bigint)
  on conflict (id) do update set
    status = excluded.status, attempt = excluded.attempt, output = excluded.output, output_ref = excluded.output_ref,
    error = excluded.error, finished_at = excluded.finished_at, revision = excluded.revision
  where job_runs.revision < excluded.revision`;

// A signal written by hand can carry an id of any length; one too long to be indexed must not stop the mirror.
const INSERT_COMMANDS = `
  insert into run_commands (run_id, id, outcome, shown, at)
  select run_id, outcome->>'id', outcome, shown, epoch_ms((outcome->>'at')::float8)
  from json_to_recordset(${COMMANDS}) as command(run_id uuid, outcome json, shown json)
  where octet_length(outcome->>'id') <= 1024
  on conflict (run_id, id) do nothing`;

// For whoever waits for what became of a command, or for the end of a run that was canceled.
const TELL = tellOfRuns(`
  select run_id from json_to_recordset(${COMMANDS}) as command(run_id uuid)
  union
  select id from json_to_recordset(${RUNS}) as run(id uuid, status text) where status = 'canceled'`);

const WRITE_MIRROR = `
  with
    mirrored_run as (${UPSERT_RUN}),
    mirrored_steps as (${UPSERT_STEPS}),
    mirrored_approvals as (${UPSERT_APPROVALS}),
    mirrored_triggers as (${UPSERT_TRIGGERS}),
    mirrored_job_runs as (${UPSERT_JOB_RUNS}),
    left_attempts as (${insertAttemptsFrom(ATTEMPTS)}),
    mirrored_commands as (${INSERT_COMMANDS})
  ${TELL}`;

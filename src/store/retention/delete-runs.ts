import { settleOffersTo } from "../events/held-events.ts";
import type { Db } from "../postgres/pool.ts";

/** Rows that are a run's alone. Its tags and labels go with its own row, by their triggers. */
const OWN = [
  "step_runs",
  "step_attempts",
  "approvals",
  "approval_links",
  "webhook_deliveries",
  "event_triggers",
  "job_runs",
  "run_decisions",
  "run_commands",
  "accepted_commands",
  "call_journal",
];

/** Where another run may show a document of these: a retry what it kept, a parent or a wait what it was handed. */
const SHOWN = [
  "select run_id from step_runs where output_ref = document.id",
  "select run_id from step_attempts where output_ref = document.id",
  "select run_id from job_runs where output_ref = document.id",
  "select run_id from event_triggers where response_payload_ref = document.id",
  "select id as run_id from workflow_runs where payload_ref = document.id",
  "select id as run_id from workflow_runs where step_payloads is not null and documents_in(step_payloads) @> array[document.id]",
];
const shownBy = SHOWN.map((shown) => `(select run_id from (${shown}) shown where run_id <> all($1) limit 1)`);

const DELETE = `
  with
    ${OWN.map((table) => `gone_${table} as (delete from ${table} where run_id = any($1))`).join(",\n    ")},
    own_documents as materialized (
      select id, coalesce(${shownBy.join(",\n        ")}) as shown_by from documents document where run_id = any($1)),
    gone_documents as (
      delete from documents using own_documents own where documents.id = own.id and own.shown_by is null),
    handed_over as (
      update documents set run_id = own.shown_by
      from own_documents own where documents.id = own.id and own.shown_by is not null),
    gone_events as (delete from held_events where run_id = any($1) and status = 'delivered'),
    refused_events as (
      update held_events set run_id = null, step_ref = null, trigger_id = null, trigger_revision = null, command_id = null
      where run_id = any($1) and status <> 'delivered'),
    known_keys as (update idempotency_keys set deleted_at = now() where run_id = any($1) and deleted_at is null)
  delete from workflow_runs where id = any($1)`;

/** Deletes runs with all that is theirs. A document that another run shows is that one's from then on. */
export async function deleteRuns(db: Db, ids: string[]): Promise<void> {
  await settleOffersTo(db, ids);
  await db.query(DELETE, [ids]);
}

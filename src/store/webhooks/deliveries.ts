import type { Cursor } from "../../contract/cursor.ts";
import type { DeliveryStatus, WebhookEvent } from "../../contract/webhooks/webhooks.ts";
import type { RunStatus } from "../../contract/runs.ts";
import { type Columns, isUuid, withoutNulls } from "../postgres/columns.ts";
import { after, parameters } from "../postgres/list-request.ts";
import type { Db } from "../postgres/pool.ts";
import type { ApprovalRow } from "../../../workflows/engine/mirror/rows.ts";

/** What has changed, as it was then. Times are epoch milliseconds. */
export interface Subject {
  at: number;
  gate?: ApprovalRow;
  /** Of an escalation: who is to hear of it. */
  notify?: string[];
  from?: RunStatus;
  to?: RunStatus;
  error?: string;
}

export interface StoredDelivery {
  id: string;
  webhook_id: string;
  message_id: string;
  project_id: string;
  event: WebhookEvent;
  run_id: string;
  step_ref?: string;
  subject: Subject;
  /** new: a workflow is to be started for it. */
  status: "new" | DeliveryStatus;
  round: number;
  attempts: number;
  last_error?: string;
  /** Of a mail. */
  recipient?: string;
  created_at: number;
  last_attempt_at?: number;
  delivered_at?: number;
}

type DeliveryColumns = Omit<Columns<StoredDelivery>, "subject"> & { subject: string };

export async function findDelivery(db: Db, id: string): Promise<StoredDelivery | undefined> {
  if (!isUuid(id)) return undefined;
  const { rows } = await db.query<DeliveryColumns>("select * from webhook_deliveries where id = $1", [id]);
  return rows[0] && deliveryOf(rows[0]);
}

/** Newest first. */
export async function listDeliveries(
  db: Db,
  webhookId: string,
  { status, cursor, limit }: { status?: DeliveryStatus; cursor?: Cursor; limit: number },
): Promise<StoredDelivery[]> {
  const { values, given } = parameters();
  const where = [`webhook_id = ${given(webhookId)}`, ...after(cursor, "created_at", "id", given)];
  if (status === "pending") where.push("status in ('new', 'pending')");
  else if (status) where.push(`status = ${given(status)}`);
  const { rows } = await db.query<DeliveryColumns>(
    `select * from webhook_deliveries where ${where.join(" and ")}
     order by created_at desc, id desc limit ${given(limit)}`,
    values,
  );
  return rows.map(deliveryOf);
}

/** For which no workflow was started yet, the oldest first. */
export async function newDeliveries(db: Db, limit: number): Promise<Pick<StoredDelivery, "id" | "round" | "event">[]> {
  const { rows } = await db.query({
    name: "new_deliveries",
    text: "select id, round, event from webhook_deliveries where status = 'new' order by created_at limit $1",
    values: [limit],
  });
  return rows;
}

/** One that its workflow has ended meanwhile stays so. */
export async function noteStarted(db: Db, ids: string[]): Promise<void> {
  await db.query("update webhook_deliveries set status = 'pending' where id = any($1) and status = 'new'", [ids]);
}

/** Again, as often as if it were new. */
export async function renewDelivery(db: Db, id: string): Promise<void> {
  await db.query(`update webhook_deliveries set status = 'new', round = round + 1, delivered_at = null where id = $1`, [
    id,
  ]);
}

export async function noteAttempt(db: Db, id: string, outcome: { error?: string; delivered?: boolean }): Promise<void> {
  await db.query(
    `update webhook_deliveries set
       attempts = attempts + 1, last_attempt_at = now(), last_error = $2,
       status = case when $3 then 'delivered' else status end, delivered_at = case when $3 then now() end
     where id = $1`,
    [id, outcome.error?.slice(0, 1_000) ?? null, outcome.delivered ?? false],
  );
}

/** Of one round: a later one has begun anew. */
export async function noteDead(db: Db, id: string, round: number): Promise<void> {
  await db.query(
    "update webhook_deliveries set status = 'dead' where id = $1 and round = $2 and status in ('new', 'pending')",
    [id, round],
  );
}

function deliveryOf({ subject, ...row }: DeliveryColumns): StoredDelivery {
  const { gate, ...told } = JSON.parse(subject) as Columns<Subject>;
  return withoutNulls<StoredDelivery>({
    ...row,
    subject: withoutNulls<Subject>({ ...told, gate: gate ? withoutNulls(gate as Columns<ApprovalRow>) : null }),
  });
}

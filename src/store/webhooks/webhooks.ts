import type { PoolClient } from "pg";
import type { CreateWebhookBody, WebhookEvent, WebhookFormat } from "../../contract/webhooks/webhooks.ts";
import type { Cursor } from "../../contract/cursor.ts";
import { type Columns, isUuid, recordOf, withoutNulls } from "../postgres/columns.ts";
import { after, parameters } from "../postgres/list-request.ts";
import type { Db } from "../postgres/pool.ts";

/** Times are epoch milliseconds. */
export interface StoredWebhook extends Omit<CreateWebhookBody, "project_id"> {
  id: string;
  project_id: string;
  events: WebhookEvent[];
  format: WebhookFormat;
  created_by: string;
  updated_by: string;
  created_at: number;
  updated_at: number;
}

/** False: one with its id is stored already, and stays as it is. */
export async function insertWebhook(db: Db, { created_at, updated_at, ...columns }: StoredWebhook): Promise<boolean> {
  const { rowCount } = await db.query(
    `insert into webhooks (
       id, project_id, events, format, url, secret, mail_to, links_for, enabled, created_by, updated_by, created_at, updated_at)
     select id, project_id, events, format, url, secret, mail_to, links_for, enabled, created_by, updated_by,
       epoch_ms($2), epoch_ms($3)
     from json_populate_record(null::webhooks, $1::json)
     on conflict (id) do nothing`,
    [recordOf(columns), created_at, updated_at],
  );
  return rowCount === 1;
}

/** To be done under its lock. */
export async function replaceWebhook(db: Db, { updated_at, ...columns }: StoredWebhook): Promise<void> {
  const changed = "events, url, secret, mail_to, links_for, enabled, updated_by";
  await db.query(
    `update webhooks set (${changed}, updated_at) = (
       select ${changed}, epoch_ms($3) from json_populate_record(null::webhooks, $1::json))
     where id = $2`,
    [recordOf({ ...columns, created_at: undefined }), columns.id, updated_at],
  );
}

export async function findWebhook(db: Db, id: string): Promise<StoredWebhook | undefined> {
  if (!isUuid(id)) return undefined;
  const { rows } = await db.query<Columns<StoredWebhook>>("select * from webhooks where id = $1", [id]);
  return rows[0] && withoutNulls<StoredWebhook>(rows[0]);
}

/** As it is now, and until the transaction ends nobody else changes or deletes it. */
export async function lockWebhook(transaction: PoolClient, id: string): Promise<StoredWebhook | undefined> {
  if (isUuid(id)) await transaction.query("select from webhooks where id = $1 for update", [id]);
  return findWebhook(transaction, id);
}

/** Newest first. */
export async function listWebhooks(
  db: Db,
  { project_id, cursor, limit }: { project_id: string; cursor?: Cursor; limit: number },
): Promise<StoredWebhook[]> {
  const { values, given } = parameters();
  const where = [`project_id = ${given(project_id)}`, ...after(cursor, "created_at", "id", given)];
  const { rows } = await db.query<Columns<StoredWebhook>>(
    `select * from webhooks where ${where.join(" and ")} order by created_at desc, id desc limit ${given(limit)}`,
    values,
  );
  return rows.map((row) => withoutNulls<StoredWebhook>(row));
}

/** With what it was to deliver. */
export async function deleteWebhook(db: Db, id: string): Promise<void> {
  await db.query("delete from webhooks where id = $1", [id]);
  await db.query("delete from webhook_deliveries where webhook_id = $1", [id]);
}

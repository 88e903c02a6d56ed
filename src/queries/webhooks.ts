import type { Cursor } from "../contract/cursor.ts";
import type { Delivery, DeliveryStatus, Webhook } from "../contract/webhooks/webhooks.ts";
import type { Deps } from "../deps.ts";
import { Problem } from "../errors.ts";
import { type Caller, own } from "../identity/caller.ts";
import { cursorOf, type Page, pageOf } from "./page.ts";
import { findDelivery, listDeliveries as listDeliveryRows, type StoredDelivery } from "../store/webhooks/deliveries.ts";
import { findWebhook, listWebhooks as listRows, type StoredWebhook } from "../store/webhooks/webhooks.ts";
import { presentDelivery, presentWebhook } from "../views/webhook.ts";

/** Another project's webhook is not found. */
export const ownWebhook = (caller: Caller, row: StoredWebhook | undefined): StoredWebhook =>
  own(caller, row, "webhook not found");

export const findOwnWebhook = async ({ db }: Deps, caller: Caller, id: string): Promise<StoredWebhook> =>
  ownWebhook(caller, await findWebhook(db, id));

export const getWebhook = async (deps: Deps, caller: Caller, id: string): Promise<Webhook> =>
  presentWebhook(await findOwnWebhook(deps, caller, id));

type Place = { cursor?: Cursor; limit: number };

export const listWebhooks = ({ db }: Deps, project_id: string, { cursor, limit }: Place): Promise<Page<Webhook>> =>
  pageOf(limit, (most) => listRows(db, { project_id, cursor, limit: most }), presentWebhook, cursorOf);

export async function listDeliveries(
  deps: Deps,
  caller: Caller,
  webhookId: string,
  { status, cursor, limit }: Place & { status?: DeliveryStatus },
): Promise<Page<Delivery>> {
  await findOwnWebhook(deps, caller, webhookId);
  const read = (most: number) => listDeliveryRows(deps.db, webhookId, { status, cursor, limit: most });
  return pageOf(limit, read, presentDelivery, cursorOf);
}

export async function findOwnDelivery(
  deps: Deps,
  caller: Caller,
  webhookId: string,
  id: string,
): Promise<StoredDelivery> {
  await findOwnWebhook(deps, caller, webhookId);
  const found = await findDelivery(deps.db, id);
  if (found?.webhook_id !== webhookId) throw new Problem("not_found", "webhook delivery not found");
  return found;
}

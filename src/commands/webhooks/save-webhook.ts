import { randomBytes } from "node:crypto";
import { idempotent } from "../idempotency/idempotent.ts";
import type { CreateWebhookBody, UpdateWebhookBody, Webhook, WebhookPlan } from "../../contract/webhooks/webhooks.ts";
import type { Deps } from "../../deps.ts";
import { invalid } from "../../errors.ts";
import { assertScope, type Caller, projectOf } from "../../identity/caller.ts";
import { findOwnWebhook, ownWebhook } from "../../queries/webhooks.ts";
import { endpointProblem } from "../../rules/endpoint-url.ts";
import { noteDeleted } from "../../store/idempotency-keys.ts";
import { inTransaction } from "../../store/postgres/transaction.ts";
import {
  deleteWebhook as deleteStored,
  findWebhook,
  insertWebhook,
  lockWebhook,
  replaceWebhook,
  type StoredWebhook,
} from "../../store/webhooks/webhooks.ts";
import { now } from "../../time/clock.ts";
import { presentWebhook } from "../../views/webhook.ts";

/** The answer shows the secret, to who has set it: asked again under its Idempotency-Key, to nobody else. */
export async function createWebhook(
  deps: Deps,
  caller: Caller,
  body: CreateWebhookBody,
  idempotencyKey?: string,
): Promise<Webhook> {
  const projectId = projectOf(caller, body.project_id);
  const asked = { projectId, operation: "create webhook", body, makes: "webhook", idempotencyKey };
  const stored = await idempotent(deps, asked, findWebhook, async () => {
    const made = madeOf(deps, caller, body);
    return async (id) => {
      const row = { ...made, id };
      if (await insertWebhook(deps.db, row)) return row;
      // The same request was faster: its secret counts.
      return findOwnWebhook(deps, caller, id);
    };
  });
  const isOwn = [stored.created_by, stored.updated_by].every((actor) => actor === caller.actor);
  return { ...presentWebhook(stored), secret: isOwn ? stored.secret : undefined };
}

export function previewWebhook(deps: Deps, caller: Caller, body: CreateWebhookBody): WebhookPlan {
  const { id, created_at, updated_at, ...webhook } = presentWebhook({ ...madeOf(deps, caller, body), id: "" });
  return { dry_run: true, webhook };
}

export async function updateWebhook(deps: Deps, caller: Caller, id: string, body: UpdateWebhookBody): Promise<Webhook> {
  return inTransaction(deps.db, async (db) => {
    // What others have changed meanwhile stays changed.
    const row = changed(deps, caller, ownWebhook(caller, await lockWebhook(db, id)), body);
    await replaceWebhook(db, row);
    return presentWebhook(row);
  });
}

export const previewUpdate = async (
  deps: Deps,
  caller: Caller,
  id: string,
  body: UpdateWebhookBody,
): Promise<WebhookPlan> => ({
  dry_run: true,
  webhook: presentWebhook(changed(deps, caller, await findOwnWebhook(deps, caller, id), body)),
});

export async function deleteWebhook(deps: Deps, caller: Caller, id: string): Promise<void> {
  await findOwnWebhook(deps, caller, id);
  await inTransaction(deps.db, async (db) => {
    await deleteStored(db, id);
    await noteDeleted(db, id);
  });
}

export const previewDeletion = async (deps: Deps, caller: Caller, id: string): Promise<WebhookPlan> => ({
  dry_run: true,
  webhook: presentWebhook(await findOwnWebhook(deps, caller, id)),
});

type Made = Omit<StoredWebhook, "id">;

function madeOf(deps: Deps, caller: Caller, { secret, ...body }: CreateWebhookBody): Made {
  const at = now();
  const made: Made = {
    ...body,
    project_id: projectOf(caller, body.project_id),
    // A mail is not signed.
    secret: body.format === "mail" ? secret : (secret ?? `whsec_${randomBytes(32).toString("base64")}`),
    created_by: caller.actor,
    updated_by: caller.actor,
    created_at: at,
    updated_at: at,
  };
  assertUsable(deps, made);
  assertMayLink(caller, made);
  return made;
}

function changed(deps: Deps, caller: Caller, live: StoredWebhook, body: UpdateWebhookBody): StoredWebhook {
  const row = { ...live, ...body, updated_by: caller.actor, updated_at: Math.max(now(), live.updated_at) };
  assertUsable(deps, row);
  // Who changes where links go to is given them.
  assertMayLink(caller, live);
  assertMayLink(caller, row);
  return row;
}

/** What nobody would be told by is refused, too. */
function assertUsable({ config }: Deps, { format, events, url, secret, mail_to, links_for = [] }: Made): void {
  const isOfRuns = events.every((event) => event.startsWith("workflow_run."));
  if (links_for.length > 0 && (format === "mail" || isOfRuns))
    throw invalid("links_for", `links_for is not for ${format === "mail" ? "mail" : "events of runs alone"}`);
  if (format === "mail") {
    if (config.smtpUrl === undefined) throw invalid("format", "mail needs a server with SMTP_URL");
    if (url !== undefined) throw invalid("url", "url is not for mail");
    if (secret !== undefined) throw invalid("secret", "secret is not for mail");
    if (mail_to === undefined && isOfRuns) throw invalid("mail_to", "mail_to is required: a run has no approvers");
    return;
  }
  if (mail_to !== undefined) throw invalid("mail_to", "mail_to is only for mail");
  if (url === undefined) throw invalid("url", "url is required");
  const problem = endpointProblem(url, config.allowPrivateEndpoints);
  if (problem) throw invalid("url", `invalid url: ${problem}`);
}

/** Who reads a link decides as the person whom it is for. */
function assertMayLink(caller: Caller, { links_for = [] }: Made): void {
  if (links_for.length > 0) assertScope(caller, "approvals:override");
}

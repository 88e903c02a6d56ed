import { z } from "zod";
import { line, list, members } from "../fields.ts";
import { id } from "../ids.ts";
import { page } from "../lists.ts";
import { choice, NOT_ONE_OF, query } from "../lists/parameters.ts";
import { RUN_STATUSES } from "../runs.ts";
import { time } from "../times.ts";

const OF_APPROVALS = ["requested", "reminder", "escalated", "reassigned", "decided", "expired", "canceled"] as const;
const EVENTS = [
  ...OF_APPROVALS.map((what) => `approval.${what}` as const),
  ...RUN_STATUSES.map((status) => `workflow_run.${status}` as const),
  "approval.*",
  "workflow_run.*",
  "*",
] as const;

const format = z.enum(["json", "slack", "teams", "mail"]);
export type WebhookFormat = z.output<typeof format>;

/** Also what a person is called who is told by mail. */
const ADDRESS = /^[^\s@<>(),;:"\\]+@[^\s@<>(),;:"\\]+$/;
export const isAddress = (text: string): boolean => text.length <= 254 && ADDRESS.test(text);

const PREFIX = "whsec_";
const SECRET = `must be ${PREFIX} and 24 to 64 bytes in base64, or a text of at least 16 characters that does not begin so`;

/** What begins as secrets of Standard Webhooks do is read as one by its libraries. */
function isSecret(text: string): boolean {
  if (!text.startsWith(PREFIX)) return true;
  const base64 = text.slice(PREFIX.length);
  const key = Buffer.from(base64, "base64");
  return (
    key.toString("base64").replace(/=+$/, "") === base64.replace(/=+$/, "") && key.length >= 24 && key.length <= 64
  );
}

const settings = {
  events: list(z.enum(EVENTS), EVENTS.length, 1),
  url: line(2_048).min(1),
  secret: line(255).min(16).refine(isSecret, SECRET).describe("Signs what is sent. Not shown again."),
  mail_to: list(line(254).refine(isAddress, "must be an e-mail address"), 50, 1).describe(
    "Of `mail`. Without it, the approvers whose names are addresses.",
  ),
  links_for: list(line(255).min(1), 100).describe(
    "Approvers for whom decision links are sent, `*` for each. Needs `approvals:override`.",
  ),
  enabled: z.boolean(),
};

export const createWebhookBody = members({
  project_id: line(255).optional(),
  events: settings.events,
  format: format.default("json"),
  url: settings.url.optional(),
  secret: settings.secret.optional(),
  mail_to: settings.mail_to.optional(),
  links_for: settings.links_for.optional(),
  enabled: settings.enabled.default(true),
}).meta({ example: { events: ["approval.*"], url: "https://hooks.example.com/approvals" } });
export type CreateWebhookBody = z.output<typeof createWebhookBody>;

/** What is not said stays as it is. */
export const updateWebhookBody = members({
  events: settings.events.optional(),
  url: settings.url.optional(),
  secret: settings.secret.optional(),
  mail_to: settings.mail_to.optional(),
  links_for: settings.links_for.optional(),
  enabled: settings.enabled.optional(),
}).meta({ example: { enabled: false } });
export type UpdateWebhookBody = z.output<typeof updateWebhookBody>;

export const webhook = z
  .strictObject({
    id,
    project_id: z.string(),
    events: z.array(z.enum(EVENTS)),
    format,
    url: z.string().optional(),
    secret: z.string().optional().describe("Only in the answer that made it, and to who made it."),
    mail_to: z.array(z.string()).optional(),
    links_for: z.array(z.string()).optional(),
    enabled: z.boolean(),
    created_by: z.string(),
    updated_by: z.string(),
    created_at: time,
    updated_at: time,
  })
  .meta({ id: "Webhook" });
export type Webhook = z.output<typeof webhook>;

/** What would be stored, or deleted. */
export const webhookPlan = z
  .strictObject({
    dry_run: z.literal(true),
    webhook: webhook.partial({ id: true, created_at: true, updated_at: true }),
  })
  .meta({ id: "WebhookPlan" });
export type WebhookPlan = z.output<typeof webhookPlan>;

const DELIVERY_STATUSES = ["pending", "delivered", "dead"] as const;
export type DeliveryStatus = (typeof DELIVERY_STATUSES)[number];

export const deliveriesQuery = query({ ...page, status: choice(DELIVERY_STATUSES, NOT_ONE_OF).optional() });

export const delivery = z
  .strictObject({
    id,
    webhook_id: id,
    message_id: z.string().describe("The `webhook-id` that it is sent with, each time."),
    event: z.enum(EVENTS),
    workflow_run_id: id,
    step_ref: z.string().optional(),
    recipient: z.string().optional().describe("Of a mail: its address."),
    status: z.enum(DELIVERY_STATUSES).describe("dead: it was tried for a day, or the receiver will never take it."),
    attempts: z.int().min(0),
    last_error: z.string().optional(),
    created_at: time,
    last_attempt_at: time.optional(),
    delivered_at: time.optional(),
  })
  .meta({ id: "WebhookDelivery" });
export type Delivery = z.output<typeof delivery>;

export const deliveryPlan = z.strictObject({ dry_run: z.literal(true), delivery }).meta({ id: "WebhookDeliveryPlan" });
export type DeliveryPlan = z.output<typeof deliveryPlan>;

export type WebhookEvent = (typeof EVENTS)[number];

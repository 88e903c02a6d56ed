import { excludedFrom } from "../../src/commands/links/excluded-from.ts";
import { linkFor } from "../../src/commands/links/make-link.ts";
import type { ApprovalLink } from "../../src/contract/webhooks/approval-links.ts";
import type { Approval, RunStatus } from "../../src/contract/runs.ts";
import type { WebhookEvent } from "../../src/contract/webhooks/webhooks.ts";
import type { Deps } from "../../src/deps.ts";
import { findApproval } from "../../src/store/approvals/approvals.ts";
import type { StoredDelivery } from "../../src/store/webhooks/deliveries.ts";
import type { StoredWebhook } from "../../src/store/webhooks/webhooks.ts";
import { presentApproval } from "../../src/views/approval.ts";
import { isGroup } from "../../workflows/engine/gates/gate.ts";
import type { ApprovalRow, RunRow } from "../../workflows/engine/mirror/rows.ts";
import { rfc3339 } from "../../workflows/engine/time.ts";

/** What is told, as `json` has it. */
export interface Message {
  id: string;
  event: WebhookEvent;
  type: "workflow_status_change" | "approval";
  timestamp: string;
  project_id: string;
  workflow_id?: string;
  workflow_name?: string;
  workflow_run_id: string;
  /** Who started the run. */
  created_by?: string;
  from?: RunStatus;
  to?: RunStatus;
  reason?: string;
  error?: string;
  step_ref?: string;
  /** Of an escalation: who is to hear of it. */
  notify?: string[];
  approval?: Approval;
  links?: ApprovalLink[];
}

/** What changed is told as it was then; the links, as long as it is still so. */
export async function messageOf(
  deps: Deps,
  delivery: StoredDelivery,
  webhook: StoredWebhook,
  run: RunRow | undefined,
): Promise<Message> {
  const { message_id: id, event, project_id, run_id, step_ref, subject } = delivery;
  const { gate, at, notify, from, to, error } = subject;
  const links = gate && (await linksFor(deps, gate, webhook, delivery.recipient));
  return {
    id,
    event,
    type: gate ? "approval" : "workflow_status_change",
    timestamp: rfc3339(Math.floor(at)),
    project_id,
    workflow_id: run?.workflow_id,
    workflow_name: run?.workflow_name,
    workflow_run_id: run_id,
    created_by: run?.created_by,
    ...(gate
      ? { step_ref, notify, approval: await presentApproval(deps, gate), ...(links && links.length > 0 && { links }) }
      : { from, to, reason: to, error: error || undefined }),
  };
}

/** A mail goes to the person themselves: who is asked there may be linked to, whoever else is. Nobody is given what they would be refused. */
async function linksFor(
  deps: Deps,
  { step_run_id, requested_at }: ApprovalRow,
  { id, links_for = [] }: StoredWebhook,
  recipient: string | undefined,
): Promise<ApprovalLink[]> {
  const live = await findApproval(deps.db, step_run_id);
  if (live?.status !== "pending" || Math.abs(live.requested_at - requested_at) >= 1) return [];
  const voted = new Set(live.votes?.map(({ actor }) => actor));
  const people = live.approvers.filter((name) => !isGroup(name) && !voted.has(name));
  const excluded = await excludedFrom(deps, live);
  const linked = people
    .filter((person) => excluded(person) === undefined)
    .filter((person) =>
      recipient === undefined ? links_for.includes("*") || links_for.includes(person) : person === recipient,
    );
  return Promise.all(linked.map((person) => linkFor(deps, live, { person, made_by: `webhook:${id}` })));
}

import type { Message } from "./message.ts";
import { type Fact, knownFacts } from "../../src/rules/facts.ts";
import { spoken } from "../../workflows/web-ui/text.ts";

const SAID: Record<string, string> = {
  "approval.requested": "Approval asked for",
  "approval.reminder": "Approval still waits",
  "approval.escalated": "Approval escalated",
  "approval.reassigned": "Approval reassigned",
  "approval.decided": "Approval decided",
  "approval.expired": "Approval expired",
  "approval.canceled": "Approval canceled",
};

export const titleOf = ({ event, workflow_name = "run", step_ref, approval, to }: Message): string =>
  approval
    ? `${SAID[event] ?? event}: ${approval.title ?? `${step_ref} of ${workflow_name}`}`
    : `${workflow_name}: ${to}`;

/** What the message says, name by name. */
export function factsOf(message: Message): Fact[] {
  const { approval } = message;
  return knownFacts([
    ["Workflow", message.workflow_name],
    ["Run", message.workflow_run_id],
    ["Step", message.step_ref],
    ["Started by", message.created_by],
    ["Status", approval?.status ?? message.to],
    ["Option", approval?.option],
    ["For", message.notify?.join(", ")],
    ["Approvers", approval?.approvers.join(", ")],
    ["Decided by", approval?.approved_by],
    ["Until", approval?.expires_at && spoken(Date.parse(approval.expires_at))],
    ["Error", message.error ?? approval?.error],
  ]);
}

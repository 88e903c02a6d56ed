import { z } from "zod";
import { json, line, list, members, prose, whole } from "../fields.ts";
import type { Complain, StepSchema } from "./schema.ts";

/** Votes travel with the run: there can't be very many. */
const MOST_APPROVERS = 1_000;

const MOST_LINKS = 20;
const MOST_OPTIONS = 20;

/** What an approver may choose. */
export const option = line(64);

/** Nobody's token names them with a space at an end: it would look like a name that it is not. */
export const approver = line(255).refine((name) => name === name.trim(), "must not begin or end with a space");

const approvers = list(approver, MOST_APPROVERS).optional();

const MOST_ESCALATIONS = 10;

/** They are told of it, each by a mail. */
const MOST_NOTIFIED = 50;

const escalation = members({
  after_secs: whole.min(1),
  approvers: list(approver, MOST_APPROVERS, 1),
  notify: list(approver, MOST_NOTIFIED, 1).optional(),
});

const exclusion = z.enum(["created_by", "previous_approvers"]);
export type ApprovalExclusion = z.output<typeof exclusion>;

export const approval = {
  fields: {
    approval_approvers: approvers,
    approvals_required: z.int().min(1).max(MOST_APPROVERS).optional(),
    approval_reject: z.enum(["first", "majority"]).optional(),
    approval_exclude: list(exclusion, 2).optional(),
    approval_timeout_secs: whole.optional(),
    approval_on_timeout: z.enum(["fail", "approve", "reject", "skip", "escalate"]).optional(),
    approval_escalation: list(escalation, MOST_ESCALATIONS, 1).optional(),
    approval_remind_every_secs: whole.optional(),
    approval_title: line(500).optional(),
    approval_text: prose(16_384).optional(),
    approval_payload: json.optional(),
    approval_links: list(members({ title: line(255).optional(), url: line(2_048) }), MOST_LINKS).optional(),
    approval_form: json.optional(),
    approval_options: list(option, MOST_OPTIONS, 1).optional(),
  },
  aliases: { approvers },
  timeout: "approval_timeout_secs",
  toldBy: [],
  resolved(given: { approvers?: Approvers; approval_approvers?: Approvers }, complain: Complain) {
    const { approvers, approval_approvers } = given;
    if (approvers && approval_approvers) complain("approvers", "give approvers or approval_approvers, not both");
    return approvers && { approval_approvers: approvers };
  },
} satisfies StepSchema;

type Approvers = z.output<typeof approvers>;

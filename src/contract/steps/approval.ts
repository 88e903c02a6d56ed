import { z } from "zod";
import { line, list, members, whole } from "../fields.ts";
import type { Complain, StepSchema } from "./schema.ts";

/** Votes travel with the run: there can't be very many. */
const MOST_APPROVERS = 1_000;

const approvers = list(line(255), MOST_APPROVERS).optional();

const MOST_ESCALATIONS = 10;

const escalation = members({ after_secs: whole.min(1), approvers: list(line(255), MOST_APPROVERS, 1) });

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

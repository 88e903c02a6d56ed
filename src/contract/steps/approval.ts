import type { z } from "zod";
import { line, list, whole } from "../fields.ts";
import type { Complain, StepSchema } from "./schema.ts";

const approvers = list(line(255), 1_000).optional();

export const approval = {
  fields: { approval_approvers: approvers, approval_timeout_secs: whole.optional() },
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

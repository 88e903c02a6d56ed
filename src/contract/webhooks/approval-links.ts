import { z } from "zod";
import { members } from "../fields.ts";
import { time } from "../times.ts";

export const linkBody = members({});

/** A page where this person can decide, once. Who has the link needs no token. */
export const approvalLink = z
  .strictObject({
    person: z.string(),
    url: z.string(),
    expires_at: time.describe("At the latest: it ends with its gate."),
  })
  .meta({ id: "ApprovalLink" });
export type ApprovalLink = z.output<typeof approvalLink>;

export const approvalLinkPlan = z
  .strictObject({ dry_run: z.literal(true), person: z.string() })
  .meta({ id: "ApprovalLinkPlan" });
export type ApprovalLinkPlan = z.output<typeof approvalLinkPlan>;

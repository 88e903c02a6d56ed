import { z } from "zod";
import { json, line, list, map, members, prose } from "./fields.ts";
import { MOST_STEPS } from "./steps.ts";

/** Skip and reject. */
export const reasonBody = members({ reason: prose(4096).optional() });

/** Force-complete. */
export const resultBody = members({ result: json.optional() });

/** Approve: the approver is always the authenticated actor, whatever the deprecated field says. */
export const approveBody = members({ approver: line(255).optional() });

/** Retry of a run or a step, and replay: what they may be given in place of the run's payload and of single steps'. */
export const retryBody = members({
  payload: json.optional(),
  step_payloads: map(json, MOST_STEPS, `too many step_payloads (max ${MOST_STEPS})`).optional(),
});
export type RetryBody = z.output<typeof retryBody>;

/** `dryRun=true` on whatever acts: its plan, and nothing else. An empty parameter is refused, not taken for an absent one. */
export const dryRunQuery = z.object({
  dryRun: z
    .enum(["true", "false"], "must be true or false")
    .default("false")
    .transform((text) => text === "true"),
});

/** The same, as a field of any body: SDKs send it to trigger. */
export const dryRunBody = members({ dry_run: z.boolean().optional() });

/** Bulk-cancel and bulk-replay. */
export const bulkBody = members({ workflow_run_ids: list(z.string(), 100, 1) });

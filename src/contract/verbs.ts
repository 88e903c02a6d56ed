import { z } from "zod";
import { versionPolicy } from "./create-workflow.ts";
import { json, line, list, map, members, prose } from "./fields.ts";
import { MOST_STEPS } from "./steps.ts";

/** Skip and reject. */
export const reasonBody = members({ reason: prose(4096).optional() });

/** Force-complete. */
export const resultBody = members({ result: json.optional() });

/** Approve: the approver is always the authenticated actor, whatever the deprecated field says. */
export const approveBody = members({ approver: line(255).optional() });

const payloads = {
  payload: json.optional(),
  step_payloads: map(json, MOST_STEPS, `too many step_payloads (max ${MOST_STEPS})`).optional(),
};

/** Retry of a step, and replay. They may bring new payloads for the run and for single steps. */
export const retryBody = members(payloads);
export type RetryBody = z.output<typeof retryBody>;

/** Retry of a run. It may be of another version than the workflow's version_policy says. */
export const retryRunBody = members({ ...payloads, version: versionPolicy.optional() });
export type RetryRunBody = z.output<typeof retryRunBody>;

/** `dryRun=true` on a route that acts answers its plan, with nothing changed. An empty parameter is refused, and not taken as absent. */
export const dryRunQuery = z.object({
  dryRun: z
    .enum(["true", "false"], "must be true or false")
    .default("false")
    .transform((text) => text === "true"),
});

/** The same as a field of any body: SDKs send it with a trigger. */
export const dryRunBody = members({ dry_run: z.boolean().optional() });

/** Bulk-cancel and bulk-replay. */
export const bulkBody = members({ workflow_run_ids: list(z.string(), 100, 1) });

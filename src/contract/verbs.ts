import { z } from "zod";
import { json, line, list, map, members, prose, shownAs } from "./fields.ts";
import { query, timestamp } from "./lists/parameters.ts";
import { approval, stepRun } from "./runs.ts";
import { MOST_STEPS } from "./steps.ts";
import { approver, option } from "./steps/approval.ts";
import { versionPolicy } from "./workflows.ts";

/** Skip, and pause. */
export const reasonBody = members({ reason: prose(4096).optional() }).meta({ example: { reason: "not needed" } });

/** Cancel, which has no body. */
export const reasonQuery = query({ reason: prose(4096).optional() });

export const MAX_COMMENT = 2_000;
export const comment = prose(MAX_COMMENT);

/** What a decision is about. It is refused where that is another attempt by now, or the gate shows something else. */
export const aim = { step_attempt: z.int().min(1).optional(), shown_hash: line(255).optional() };

/** Reject. */
export const rejectBody = members({ reason: prose(4096).optional(), comment: comment.optional(), ...aim }).meta({
  example: { reason: "not ready" },
});

/** Withdraw: whose vote it is, the token says. */
export const emptyBody = members({});

/** A comment that decides nothing. */
export const commentBody = members({ comment: comment.min(1) }).meta({
  example: { comment: "who checks the prices?" },
});

const changeReason = prose(4096).optional();

/** Who decides from now on. Whether they can, the run says. */
export const reassignBody = members({ approvers: list(approver.min(1), 50, 1), reason: changeReason }).meta({
  example: { approvers: ["bob"], reason: "ada is on holiday" },
});

/** The deadline from now on. */
export const extendBody = members({ until: timestamp, reason: changeReason }).meta({
  example: { until: "2027-01-31T12:00:00Z", reason: "the auditors come on Friday" },
});

/** Force-complete. */
export const resultBody = members({ result: json.optional() }).meta({ example: { result: { done: "by hand" } } });

/** Approve: the approver is always the authenticated actor, whatever the deprecated field says. */
export const approveBody = members({
  approver: line(255).optional(),
  comment: comment.optional(),
  values: json.optional().describe("Of the gate's form."),
  ...aim,
}).meta({ example: { comment: "checked" } });

/** Choose one of a gate's options. */
export const chooseBody = members({
  option,
  comment: comment.optional(),
  values: json.optional().describe("Of the gate's form."),
  ...aim,
}).meta({ example: { option: "ship" } });

const payloads = {
  payload: json.optional(),
  step_payloads: map(json, MOST_STEPS, `too many step_payloads (max ${MOST_STEPS})`).optional(),
};

/**
 * Retry of a step, of a run, and replay. They may bring new payloads for the run and for single steps, and say in which version
 * they are to be: without that, a step is retried and replayed in the run's own, and a run by its workflow's version_policy.
 */
export const retryBody = members({ ...payloads, version: versionPolicy.optional() }).meta({ example: {} });
export type RetryBody = z.output<typeof retryBody>;

/** `dryRun=true` on a route that acts answers its plan, with nothing changed. An empty parameter is refused, and not taken as absent. */
export const dryRunQuery = z.object({
  dryRun: shownAs(
    z
      .enum(["true", "false"], "must be true or false")
      .default("false")
      .transform((text) => text === "true"),
    { type: "boolean", default: false, description: "Answer what would happen, and do nothing." },
  ),
});

/** The same as a field of any body: SDKs send it with a trigger. */
export const dryRunBody = members({
  dry_run: shownAs(z.boolean().optional(), { type: "boolean", default: false, description: "As `?dryRun=true`." }),
});

/** What is answered to retry, skip and force-complete of a step; to approve and reject; and to replay-subtree. */
export const steppedRun = z.strictObject({ step_run: stepRun });
export const decidedGate = z.strictObject({ step_run: stepRun, approval });
export const resetSteps = z.strictObject({ reset_steps: z.int() });

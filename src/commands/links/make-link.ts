import { createHash, randomBytes } from "node:crypto";
import { excludedFrom } from "./excluded-from.ts";
import type { ApprovalLink, ApprovalLinkPlan } from "../../contract/webhooks/approval-links.ts";
import type { Deps } from "../../deps.ts";
import { Problem, refusal } from "../../errors.ts";
import type { Caller } from "../../identity/caller.ts";
import { mirroredRun } from "../../queries/mirrored-run.ts";
import { findOwnRun } from "../../queries/runs.ts";
import { insertLink } from "../../store/approvals/approval-links.ts";
import { listApprovals } from "../../store/approvals/approvals.ts";
import { now } from "../../time/clock.ts";
import { refused, unknownStep } from "../../../workflows/engine/command.ts";
import { notOpen } from "../../../workflows/engine/steps/gate/decisions.ts";
import { namedApprovers } from "../../../workflows/engine/steps/gate/votes.ts";
import { ofStep } from "../../../workflows/engine/steps/of-step.ts";
import type { ApprovalRow } from "../../../workflows/engine/mirror/rows.ts";
import { rfc3339 } from "../../../workflows/engine/time.ts";

/** Only the hash of a token is stored: who reads the table can decide nothing. */
export const hashOf = (token: string): string => createHash("sha256").update(token).digest("base64url");

/** Of a link that nobody uses, to a gate that stays open. */
const VALID_FOR_MS = 30 * 86_400_000;

/** For this asking of the gate, and for one person. Who has the link decides in their name. */
export async function linkFor(
  { db, config }: Pick<Deps, "db" | "config">,
  gate: ApprovalRow,
  { person, made_by }: { person: string; made_by: string },
): Promise<ApprovalLink> {
  const token = randomBytes(32).toString("base64url");
  const { project_id = "", run_id, step_run_id, step_ref = "", requested_at, attempt } = gate;
  const of = { project_id, run_id, step_run_id, step_ref, requested_at, attempt };
  const expires_at = now() + VALID_FOR_MS;
  await insertLink(db, { ...of, token_hash: hashOf(token), person, made_by, expires_at });
  return { person, url: `${config.publicUrl}/approve/${token}`, expires_at: rfc3339(expires_at) };
}

/** For oneself only: nobody is given the means to decide as somebody else. */
export async function makeLink(deps: Deps, caller: Caller, runId: string, stepRef: string): Promise<ApprovalLink> {
  const gate = await ownGate(deps, caller, runId, stepRef);
  return linkFor(deps, gate, { person: caller.actor, made_by: caller.actor });
}

export async function previewLink(
  deps: Deps,
  caller: Caller,
  runId: string,
  stepRef: string,
): Promise<ApprovalLinkPlan> {
  await ownGate(deps, caller, runId, stepRef);
  return { dry_run: true, person: caller.actor };
}

async function ownGate(deps: Deps, caller: Caller, runId: string, stepRef: string): Promise<ApprovalRow> {
  const run = await mirroredRun(deps, await findOwnRun(deps, caller, runId));
  const step = ofStep(run, run.plan.index.get(stepRef) ?? -1);
  const closed = step ? notOpen(step) : unknownStep("approve", stepRef);
  const gate = (await listApprovals(deps.db, run.plan.run.id)).find(({ step_ref }) => step_ref === stepRef);
  if (closed || gate?.status !== "pending")
    throw refusal(closed ?? refused("invalid_state", "approval is not pending"));
  // A link is one person's: groups are judged by the token of who decides, and a link has none.
  if (!gate.approvers.includes(caller.actor))
    throw new Problem(
      "approver_not_allowed",
      `approver ${caller.actor} is not named by step ${stepRef}`,
      namedApprovers(gate.approvers),
    );
  const why = (await excludedFrom(deps, gate))(caller.actor);
  if (why !== undefined)
    throw new Problem("approver_not_allowed", `approver ${caller.actor} is not allowed for step ${stepRef}: ${why}`);
  return gate;
}

import type { JsonDoc } from "../../../../src/contract/json.ts";
import type { CommandPayload } from "../../command.ts";
import { approverAs, exclusionOf, type Gate, type Involved, isGroup, type Opened } from "../../gates/gate.ts";
import type { PlanStep } from "../../plan.ts";
import type { ApprovalState, Vote } from "../../state.ts";

/** Who decides a gate: as its step says it, until it has opened. */
export const gateOfStep = (
  { approval_approvers = [], approvals_required, approval_exclude }: PlanStep,
  opened?: Opened,
): Gate => ({
  approvers: opened?.approvers ?? approval_approvers,
  required: approvals_required,
  exclude: approval_exclude,
});

/** Votes for different options are separate. */
const votesFor = (decision: Vote["decision"], { votes = [] }: ApprovalState, option?: string): number =>
  votes.filter((vote) => vote.decision === decision && vote.option === option).length;

/** As many as one more of which may open it. */
export const mostVotes = (approval: ApprovalState): number =>
  Math.max(0, ...(approval.votes ?? []).map(({ option }) => votesFor("approve", approval, option)));

/** Why somebody has no vote. Undefined: they have one. */
export function notAllowed(
  step: PlanStep,
  opened: Opened | undefined,
  sender: CommandPayload & { actor: string },
  involved: Involved,
): string | undefined {
  const gate = gateOfStep(step, opened);
  const refusal = `approver ${sender.actor} is not allowed for step ${step.step_ref}`;
  if (approverAs(gate.approvers, sender) === undefined) return refusal;
  const handedOn = opened?.handed_on?.includes(sender.actor) ? "they handed on their place" : undefined;
  const why = exclusionOf(gate, sender.actor, involved, step.step_ref) ?? handedOn;
  return why === undefined ? undefined : `${refusal}: ${why}`;
}

/** Nobody reads more. */
const MOST_NAMED = 20;

/** The approvers, each as a detail of a refusal. */
export const namedApprovers = (approvers: string[]): string[] =>
  approvers.slice(0, MOST_NAMED).map((name) => `approvers: ${name}`);

/** Those of the names that a gate neither excludes nor knows as gone: they have handed on their place. */
export const mayVote = (names: string[], step: PlanStep, involved: Involved, gone?: string[]): string[] =>
  names.filter(
    (name) => exclusionOf(gateOfStep(step), name, involved, step.step_ref) === undefined && !gone?.includes(name),
  );

/** The approvers who are left of it. */
export function whoMayDecide(step: PlanStep, opened: Opened | undefined, involved: Involved): string[] {
  return mayVote(gateOfStep(step, opened).approvers, step, involved, opened?.handed_on);
}

export function voteOf(
  step: PlanStep,
  opened: Opened,
  decision: Vote["decision"],
  sender: CommandPayload & { actor: string; at: number },
  output?: JsonDoc,
): Vote {
  const { actor, at, comment } = sender;
  const option = decision === "approve" && step.approval_options ? sender.option : undefined;
  const as = approverAs(gateOfStep(step, opened).approvers, sender);
  return { actor, decision, at, as: as === actor ? undefined : as, comment, option, output };
}

/** Whether the votes are enough to open the gate, for the option where it has some. */
export const isApproved = ({ approvals_required = 1 }: PlanStep, approval: ApprovalState, option?: string): boolean =>
  votesFor("approve", approval, option) >= approvals_required;

/**
 * Whether they close it for good. By majority: more than half of those who may decide have rejected it, or too few are left to
 * approve it; where groups decide, whose members nobody counts, as many have rejected it as would have had to approve it.
 */
export function isRejected(step: PlanStep, approval: ApprovalState, involved: Involved): boolean {
  const rejections = votesFor("reject", approval);
  if (step.approval_reject !== "majority") return rejections > 0;
  const gate = gateOfStep(step, approval);
  const { required = 1 } = gate;
  if (gate.approvers.length === 0 || gate.approvers.some(isGroup)) return rejections >= required;
  const deciders = new Set(whoMayDecide(step, approval, involved)).size;
  return rejections * 2 > deciders || deciders - rejections < required;
}

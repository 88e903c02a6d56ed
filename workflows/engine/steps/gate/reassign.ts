import { type Refusal, refused } from "../../command.ts";
import { approverAs, exclusionOf, type Involved, isGroup, isReference } from "../../gates/gate.ts";
import type { ApprovalState, Vote } from "../../state.ts";
import { nameFaults } from "./names.ts";
import type { StepCommand, StepOf } from "../kind.ts";
import { notOpen } from "./decisions.ts";
import { gateOfStep, mayVote, namedApprovers } from "./votes.ts";

/** They travel with the run. */
const MOST_REASSIGNMENTS = 20;
const MOST_APPROVERS = 50;
const LONGEST_NAME = 255;

/** Others decide from now on. It decides nothing by itself: a vote that stays is one of too few. */
export const reassign: StepCommand = (of, command, whoIsInvolved) => {
  const { definition, step } = of;
  const closed = notOpen(of);
  if (closed) return closed;
  const involved = whoIsInvolved();
  const approvers = [...new Set(command.approvers)];
  const { votes = [], reassignments = [] } = step.approval as ApprovalState;
  const kept = votes.filter(isOneOf(approvers));
  const gone = withoutPlace(of, command, approvers);
  const refusal =
    mayNotChange("reassign", of, command, involved) ??
    mayNotChoose(of, command, approvers) ??
    wrongNames(approvers) ??
    tooFew(of, approvers, kept, gone, involved);
  if (refusal) return refusal;
  if (reassignments.length >= MOST_REASSIGNMENTS)
    return refused("conflict", `step ${definition.step_ref} was reassigned ${MOST_REASSIGNMENTS} times already`);

  const { actor, at, reason } = command;
  const dropped = votes.filter((vote) => !kept.includes(vote));
  const reassignment = { actor, at, approvers, reason, ...(dropped.length > 0 && { dropped }) };
  return {
    status: "changed",
    gate: ({ approval }) => {
      if (!approval) return;
      approval.approvers = approvers;
      approval.reassignments = [...reassignments, reassignment];
      if (dropped.length > 0) approval.votes = kept;
      if (gone.length > 0 || approval.handed_on) approval.handed_on = gone;
    },
  };
};

/** Who changes a gate is one of its approvers, or may override; never somebody whom it excludes. */
export function mayNotChange(
  verb: string,
  { definition, step }: StepOf,
  sender: Sender,
  involved: Involved,
): Refusal | undefined {
  const gate = gateOfStep(definition, step.approval);
  const why = exclusionOf(gate, sender.actor, involved, definition.step_ref);
  if (why !== undefined)
    return refused("forbidden", `${sender.actor} may not ${verb} step ${definition.step_ref}: ${why}`);
  const may = sender.may_override === true || approverAs(gate.approvers, sender) !== undefined;
  return may ? undefined : refused("forbidden", "insufficient permissions: requires approvals:override");
}

/** Who could name others beside themselves to a gate that needs several would decide it alone: they hand on their own place, to one person. */
function mayNotChoose({ definition, step }: StepOf, sender: Sender, approvers: string[]): Refusal | undefined {
  const { approvers: present, required = 1 } = gateOfStep(definition, step.approval);
  if (required <= 1 || sender.may_override) return undefined;
  const others = new Set(present.filter((name) => name !== sender.actor));
  const isOwnPlace =
    present.includes(sender.actor) &&
    !step.approval?.handed_on?.includes(sender.actor) &&
    [...others].every((name) => approvers.includes(name)) &&
    approvers.length <= others.size + 1 &&
    approvers.every((name) => others.has(name) || !isGroup(name));
  if (isOwnPlace) return undefined;
  const message = `step ${definition.step_ref} needs ${required} approvals: an approver hands on their own place, by naming the others and one person; more requires approvals:override`;
  return refused("forbidden", message, namedApprovers([...others]));
}

/** One person fills one place: who hands on theirs does not come back in, by a group or an escalation. Who may override can name them. */
function withoutPlace({ definition, step }: StepOf, sender: Sender, approvers: string[]): string[] {
  const { approvers: present, required = 1 } = gateOfStep(definition, step.approval);
  const { handed_on = [] } = step.approval as ApprovalState;
  if (sender.may_override) return handed_on.filter((name) => !approvers.includes(name));
  const isHandingOn = required > 1 && present.includes(sender.actor) && !approvers.includes(sender.actor);
  return isHandingOn ? [...new Set([...handed_on, sender.actor])] : handed_on;
}

function wrongNames(approvers: string[]): Refusal | undefined {
  if (approvers.length === 0) return refused("validation_error", "approvers must not be empty");
  if (approvers.length > MOST_APPROVERS)
    return refused("validation_error", `approvers must be at most ${MOST_APPROVERS}`);
  const [wrong] = nameFaults(approvers, "approvers");
  if (wrong) return refused("validation_error", wrong.message);
  if (approvers.some((name) => name.length > LONGEST_NAME))
    return refused("validation_error", `approvers must be names of at most ${LONGEST_NAME} characters`);
  if (approvers.some(isReference)) return refused("validation_error", "approvers takes no references");
  return undefined;
}

/** Nobody counts who is in a group. */
function tooFew(
  { definition }: StepOf,
  approvers: string[],
  kept: Vote[],
  gone: string[],
  involved: Involved,
): Refusal | undefined {
  const { required = 1 } = gateOfStep(definition);
  if (approvers.some(isGroup)) return undefined;
  const against = kept.filter(({ decision }) => decision === "reject").map(({ actor }) => actor);
  const may = mayVote(approvers, definition, involved, [...gone, ...against]).length;
  if (may >= required) return undefined;
  return refused("validation_error", `approvers: ${required} have to approve, and of these ${may} may`);
}

/** By the name, or the group, by which they voted. */
const isOneOf =
  (approvers: string[]) =>
  ({ actor, as = actor }: Vote): boolean =>
    approvers.includes(as) || (!isGroup(actor) && approvers.includes(actor));

type Sender = Parameters<StepCommand>[1];

import type { StepInput } from "../../../src/contract/steps.ts";
import { type Refusal, refused } from "../command.ts";
import { stepRunId } from "../ids.ts";
import type { ApprovalRow } from "../mirror/rows.ts";
import type { ApprovalState, StepState, Vote } from "../state.ts";
import { nameFaults } from "./gate/names.ts";
import { ownKey } from "./event-keys.ts";
import { extend } from "./gate/extend.ts";
import { type Involved, isGroup } from "../gates/gate.ts";
import { atLeastZero, fault } from "./fault.ts";
import { nextMoment, onMoment, timeFaults } from "./gate/times.ts";
import type { StepCommand, StepEnd, StepKind, StepOf } from "./kind.ts";
import { notOpen } from "./gate/open.ts";
import { reassign } from "./gate/reassign.ts";
import { closeTrigger, openTrigger, triggerRow } from "./trigger.ts";
import { gateOfStep, isApproved, isRejected, notAllowed, voteOf, votesFor } from "./votes.ts";

/** Waits for as many of its approvers as it needs, without end when its timeout is 0. */
export const approval = {
  open: "waiting",
  emits: false,
  begin({ definition, step }, at) {
    const timeout = definition.approval_timeout_secs ?? 0;
    const expires_at = timeout > 0 ? at + timeout * 1000 : undefined;
    openTrigger(step, at, expires_at);
    step.approval = { status: "pending", requested_at: at, expires_at };
    step.deadline = nextMoment(definition, step.approval, at);
  },
  work: () => [],
  waits({ definition, step: { approval } }) {
    const { approvers, required = 1 } = gateOfStep(definition, approval);
    const several = required > 1 && { approved: approval ? votesFor("approve", approval) : 0, required };
    const { expires_at: until, escalation_level: level } = approval ?? {};
    return { reason: "approval", approvers, until, ...several, ...(level && { level }) };
  },
  onDeadline: onMoment,
  close(step, end) {
    const { override } = end;
    // Whoever ends the step in place of its approvers has not approved it.
    const closed = override
      ? { status: "overridden", approved_by: override.actor, error: override.reason }
      : { status: "canceled" };
    if (step.approval?.status === "pending") Object.assign(step.approval, closed);
    closeTrigger(step, end);
  },

  rows: (of) => ({
    approval: approvalRow(of),
    trigger: triggerRow(of, "approval", ownKey("approval", of.plan.run.id, of.definition.step_ref)),
  }),

  commands: {
    approve: decide("approve", ({ actor, at, result }) => {
      const received = { status: "received", received_at: at, sent_by: actor, response_payload: result };
      return {
        status: "completed",
        output: result,
        gate: ({ approval, trigger }) => {
          if (approval) Object.assign(approval, { status: "approved", approved_by: actor, approved_at: at });
          if (trigger) Object.assign(trigger, received);
        },
      };
    }),

    reject: decide("reject", ({ actor, reason }) => ({
      status: "failed",
      error: reason ? `approval rejected by ${actor}: ${reason}` : `approval rejected by ${actor}`,
      gate: ({ approval }) => {
        if (approval) Object.assign(approval, { status: "rejected", approved_by: actor, error: reason });
      },
    })),

    withdraw(of, { actor }) {
      const refusal = notOpen(of);
      if (refusal) return refusal;
      const { votes = [] } = of.step.approval as ApprovalState;
      const left = votes.filter((vote) => vote.actor !== actor);
      if (left.length === votes.length)
        return refused("conflict", `${actor} has not voted on step ${of.definition.step_ref}`);
      return {
        status: "changed",
        gate: ({ approval }) => {
          if (approval) approval.votes = left;
        },
      };
    },

    reassign,
    extend,

    comment(of, { actor, at, comment = "" }) {
      const refusal = notOpen(of);
      if (refusal) return refusal;
      if (comment === "") return refused("validation_error", "comment must not be empty");
      const { comments = [] } = of.step.approval as ApprovalState;
      if (comments.length >= MOST_COMMENTS)
        return refused("conflict", `step ${of.definition.step_ref} has ${MOST_COMMENTS} comments already`);
      return {
        status: "changed",
        gate: ({ approval }) => {
          if (approval) approval.comments = [...comments, { actor, at, comment }];
        },
      };
    },
  },
  eventVerb: "approve",
  gates: (definition, opened) => [gateOfStep(definition, opened)],

  *lacks(input) {
    if (!input.approval_approvers?.length)
      yield fault("approval_approvers", "approval steps require approval_approvers");
    yield* atLeastZero(input, "approval_timeout_secs");
  },
  *faults(input) {
    yield* nameFaults(input.approval_approvers ?? [], "approval_approvers");
    yield* atLeastZero(input, "approval_timeout_secs");
    yield* quorumFaults(input);
    yield* timeFaults(input);
  },
} satisfies StepKind;

/** They travel with the run. */
const MOST_COMMENTS = 50;

function* quorumFaults({ approval_approvers = [], approvals_required }: StepInput) {
  if (approvals_required === undefined) return;
  const people = new Set(approval_approvers).size;
  if (people > 0 && approvals_required > people && !approval_approvers.some(isGroup))
    yield fault("approvals_required", `approvals_required is ${approvals_required}, of ${people} approvers`);
}

/** Of the votes, the one that decides ends the step; any other is kept until then. */
function decide(decision: Vote["decision"], end: (command: Sender) => StepEnd): StepCommand {
  return (of, command, whoIsInvolved) => {
    const closed = notOpen(of);
    if (closed) return closed;
    const involved = whoIsInvolved();
    const refusal = hasNoVote(of, command, involved);
    if (refusal) return refusal;
    const { definition } = of;
    const gate = of.step.approval as ApprovalState;
    const voted = { ...gate, votes: [...(gate.votes ?? []), voteOf(definition, gate, decision, command)] };
    const vote = ({ approval }: StepState) => {
      if (approval) approval.votes = voted.votes;
    };
    const isDecided = decision === "approve" ? isApproved(definition, voted) : isRejected(definition, voted, involved);
    if (!isDecided) return { status: "changed", gate: vote };
    const { gate: settle, ...ends } = end(command);
    return {
      ...ends,
      gate: (step) => {
        vote(step);
        settle?.(step);
      },
    };
  };
}

function hasNoVote({ definition, step }: StepOf, sender: Sender, involved: Involved): Refusal | undefined {
  const reason = notAllowed(definition, step.approval, sender, involved);
  if (reason !== undefined) return refused("approver_not_allowed", reason);
  const cast = step.approval?.votes?.find(({ actor }) => actor === sender.actor);
  if (!cast) return undefined;
  const done = cast.decision === "approve" ? "approved" : "rejected";
  return refused("conflict", `${sender.actor} has already ${done} step ${definition.step_ref}`);
}

type Sender = Parameters<StepCommand>[1];

function approvalRow({ plan, i, definition, step: { approval, revision } }: StepOf): ApprovalRow | undefined {
  if (!approval) return undefined;
  const step_run_id = stepRunId(plan.run.id, i);
  return {
    id: `approval:${step_run_id}`,
    run_id: plan.run.id,
    step_run_id,
    project_id: plan.run.project_id,
    step_ref: definition.step_ref,
    ...approval,
    ...gateOfStep(definition, approval),
    revision,
  };
}

/** As its row tells it. */
export const approvalState = ({
  id,
  run_id,
  step_run_id,
  project_id,
  step_ref,
  required,
  exclude,
  revision,
  ...state
}: ApprovalRow): ApprovalState => state;

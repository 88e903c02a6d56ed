import type { JsonDoc } from "../../../src/contract/json.ts";
import { type Refusal, refused } from "../command.ts";
import { stepRunId } from "../ids.ts";
import type { ApprovalRow } from "../mirror/rows.ts";
import type { ApprovalState, StepState } from "../state.ts";
import { ownKey } from "./event-keys.ts";
import type { Involved } from "../gates/gate.ts";
import { atLeastZero, fault } from "./fault.ts";
import { notifiedBy, onMoment } from "./gate/times.ts";
import type { StepCommand, StepEnd, StepKind, StepOf } from "./kind.ts";
import { closeTrigger, triggerRow } from "./trigger.ts";
import { approvalFaults } from "./gate/faults.ts";
import { isAnother, misfit, notOpen, outputOf } from "./gate/decisions.ts";
import { isRendered, openGate } from "./gate/opening.ts";
import { extend } from "./gate/extend.ts";
import { forcedOtherwise } from "./gate/forced.ts";
import { reassign } from "./gate/reassign.ts";
import {
  gateOfStep,
  isApproved,
  isRejected,
  mostVotes,
  namedApprovers,
  notAllowed,
  voteOf,
  whoMayDecide,
} from "./gate/votes.ts";

/** Waits for as many of its approvers as it needs, without end when its timeout is 0. */
export const approval = {
  open: "waiting",
  emits: false,
  begin({ definition, step }, at) {
    if (!isRendered(definition)) openGate(definition, step, at);
  },
  work: ({ definition, step: { approval, generation } }) =>
    approval || !isRendered(definition) ? [] : [{ kind: "open-gate", key: `open-gate/${generation}` }],
  waits({ definition, step: { approval } }) {
    if (!approval) return { reason: "values" };
    const { approvers, required = 1 } = gateOfStep(definition, approval);
    const several = required > 1 && { approved: mostVotes(approval), required };
    const { expires_at: until, escalation_level: level } = approval;
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

  // Whoever sees that it has started may decide it.
  showsStart: ({ status, approval }) => status !== "waiting" || approval !== undefined,
  rows: (of) => ({
    approval: approvalRow(of),
    trigger: triggerRow(of, "approval", ownKey("approval", of.plan.run.id, of.definition.step_ref)),
  }),

  commands: {
    approve: decide("approve", approved),
    choose: decide("choose", approved),
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
  forcedOtherwise,
  gates: (definition, opened) => [gateOfStep(definition, opened)],

  *lacks(input) {
    if (!input.approval_approvers?.length)
      yield fault("approval_approvers", "approval steps require approval_approvers");
    yield* atLeastZero(input, "approval_timeout_secs");
  },
  faults: approvalFaults,
} satisfies StepKind;

/** They travel with the run. */
const MOST_COMMENTS = 50;

function approved({ actor, at, option }: Sender, output: JsonDoc | undefined): StepEnd {
  const received = { status: "received", received_at: at, sent_by: actor, response_payload: output };
  return {
    status: "completed",
    output,
    gate: ({ approval, trigger }) => {
      if (approval) Object.assign(approval, { status: "approved", approved_by: actor, approved_at: at });
      if (approval && option !== undefined) approval.option = option;
      if (trigger) Object.assign(trigger, received);
    },
  };
}

/** Of the votes, the one that decides ends the step; any other is kept until then. */
function decide(
  verb: "approve" | "choose" | "reject",
  end: (command: Sender, output: JsonDoc | undefined) => StepEnd,
): StepCommand {
  return (of, sent, whoIsInvolved) => {
    const command = verb === "choose" ? sent : { ...sent, option: undefined };
    const unfit = isAnother(of, command) ?? notOpen(of, command);
    if (unfit) return unfit;
    const involved = whoIsInvolved();
    const refusal = hasNoVote(of, command, involved);
    if (refusal) return refusal;
    const decision = verb === "reject" ? verb : "approve";
    const misfits = verb === "reject" ? undefined : misfit(verb, of, command);
    if (misfits) return misfits;
    const { definition } = of;
    const gate = of.step.approval as ApprovalState;
    const output = verb === "reject" ? undefined : outputOf(of, command);
    const cast = voteOf(definition, gate, decision, command, definition.approval_form && output);
    const voted = { ...gate, votes: [...(gate.votes ?? []), cast] };
    const vote = ({ approval }: StepState) => {
      if (approval) approval.votes = voted.votes;
    };
    const isDecided =
      decision === "approve" ? isApproved(definition, voted, cast.option) : isRejected(definition, voted, involved);
    if (!isDecided) return { status: "changed", gate: vote };
    const { gate: settle, ...ends } = end(command, output);
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
  if (reason !== undefined)
    return refused("approver_not_allowed", reason, namedApprovers(whoMayDecide(definition, step.approval, involved)));
  const cast = step.approval?.votes?.find(({ actor }) => actor === sender.actor);
  if (!cast) return undefined;
  const done = cast.decision === "approve" ? "approved" : "rejected";
  return refused("conflict", `${sender.actor} has already ${done} step ${definition.step_ref}`);
}

type Sender = Parameters<StepCommand>[1];

function approvalRow({ plan, i, definition, step: { approval, attempt, revision } }: StepOf): ApprovalRow | undefined {
  if (!approval) return undefined;
  const step_run_id = stepRunId(plan.run.id, i);
  return {
    id: `approval:${step_run_id}`,
    run_id: plan.run.id,
    step_run_id,
    project_id: plan.run.project_id,
    step_ref: definition.step_ref,
    attempt,
    ...approval,
    ...gateOfStep(definition, approval),
    notify: notifiedBy(definition, approval),
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
  attempt,
  notify,
  revision,
  ...state
}: ApprovalRow): ApprovalState => state;

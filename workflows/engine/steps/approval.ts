import { type Refusal, refused } from "../command.ts";
import { stepRunId } from "../ids.ts";
import type { ApprovalRow } from "../mirror/rows.ts";
import type { ApprovalState } from "../state.ts";
import { isStepOver } from "../transitions.ts";
import { ownKey } from "./event-keys.ts";
import { atLeastZero, fault } from "./fault.ts";
import type { StepKind, StepOf } from "./kind.ts";
import { closeTrigger, openTrigger, triggerRow } from "./trigger.ts";

/** Waits for one of its approvers, without end when its timeout is 0. */
export const approval = {
  open: "waiting",
  emits: false,
  begin({ definition, step }, at) {
    const timeout = definition.approval_timeout_secs ?? 0;
    const expires_at = timeout > 0 ? at + timeout * 1000 : undefined;
    openTrigger(step, at, expires_at);
    step.approval = { status: "pending", requested_at: at, expires_at };
  },
  work: () => [],
  waits: ({ definition, step }) => ({
    reason: "approval",
    approvers: definition.approval_approvers ?? [],
    until: step.deadline,
  }),
  onDeadline: () => ({
    status: "failed",
    error: "approval timed out",
    gate: ({ approval, trigger }) => {
      if (approval) approval.status = "timed_out";
      if (trigger) trigger.status = "timed_out";
    },
  }),
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
    approve(of, { actor, at, result }) {
      const refusal = refusalOf(of, actor);
      if (refusal) return refusal;
      const received = { status: "received", received_at: at, sent_by: actor, response_payload: result };
      return {
        status: "completed",
        output: result,
        gate: ({ approval, trigger }) => {
          if (approval) Object.assign(approval, { status: "approved", approved_by: actor, approved_at: at });
          if (trigger) Object.assign(trigger, received);
        },
      };
    },

    reject(of, { actor, reason }) {
      const refusal = refusalOf(of, actor);
      if (refusal) return refusal;
      return {
        status: "failed",
        error: reason ? `approval rejected by ${actor}: ${reason}` : `approval rejected by ${actor}`,
        gate: ({ approval }) => {
          if (approval) Object.assign(approval, { status: "rejected", approved_by: actor, error: reason });
        },
      };
    },
  },
  eventVerb: "approve",
  approvers: ({ approval_approvers = [] }) => [approval_approvers],

  *lacks(input) {
    if (!input.approval_approvers?.length)
      yield fault("approval_approvers", "approval steps require approval_approvers");
    yield* atLeastZero(input, "approval_timeout_secs");
  },
  *faults(input) {
    if (input.approval_approvers?.includes(""))
      yield fault("approval_approvers", "approval_approvers must not be empty names");
    yield* atLeastZero(input, "approval_timeout_secs");
  },
} satisfies StepKind;

function refusalOf({ definition, step }: StepOf, actor: string): Refusal | undefined {
  const { step_ref, approval_approvers = [] } = definition;
  if (isStepOver(step.status)) return refused("invalid_state", `step ${step_ref} is already in terminal state`);
  if (step.approval?.status !== "pending") return refused("invalid_state", `approval not found for step ${step_ref}`);
  if (!isAmong(approval_approvers, actor))
    return refused("approver_not_allowed", `approver ${actor} is not allowed for step ${step_ref}`);
  return undefined;
}

/** An approval without approvers is anyone's. */
export const isAmong = (approvers: string[], actor: string): boolean =>
  approvers.length === 0 || approvers.includes(actor);

function approvalRow({ plan, i, definition, step: { approval, revision } }: StepOf): ApprovalRow | undefined {
  if (!approval) return undefined;
  const step_run_id = stepRunId(plan.run.id, i);
  return {
    id: `approval:${step_run_id}`,
    run_id: plan.run.id,
    step_run_id,
    approvers: definition.approval_approvers ?? [],
    ...approval,
    revision,
  };
}

/** As its row tells it. */
export const approvalState = (row: ApprovalRow): ApprovalState => {
  const { status, requested_at, expires_at, approved_by, approved_at, error } = row;
  return { status, requested_at, expires_at, approved_by, approved_at, error };
};

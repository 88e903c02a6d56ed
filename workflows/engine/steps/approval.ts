import type { StepKind } from "./kind.ts";

/** Waits for one of its approvers, without end when its timeout is 0. */
export const approval: StepKind = {
  open: "waiting",
  begin({ definition, at }, step) {
    const timeout = definition.approval_timeout_secs ?? 0;
    const expires_at = timeout > 0 ? at + timeout * 1000 : undefined;
    step.deadline = expires_at;
    step.approval = { status: "pending", requested_at: at, expires_at };
    step.trigger = { status: "waiting", requested_at: at, expires_at };
  },
  work: () => [],
  onDeadline: () => ({
    status: "failed",
    error: "approval timed out",
    gate: ({ approval, trigger }) => {
      if (approval) approval.status = "timed_out";
      if (trigger) trigger.status = "timed_out";
    },
  }),
};

import { endStep } from "../reference-endings.ts";
import type { ReferenceRun, ReferenceStep } from "../reference-run.ts";
import type { PlanStep } from "../../../workflows/engine/plan.ts";
import type { ApprovalState } from "../../../workflows/engine/state.ts";

/** docs/approvals.md, "In time": when something is to happen to a gate that nobody decides. */
export function nextLook(definition: PlanStep, step: ReferenceStep): number | undefined {
  const { requested_at, expires_at, escalation_level = 0, reminders = 0, reminded_at } = step.approval as ApprovalState;
  const { approval_escalation = [], approval_remind_every_secs: every } = definition;
  const moments = approval_escalation.slice(escalation_level).map(({ after_secs }) => requested_at + after_secs * 1000);
  if (expires_at !== undefined && !step.overdue) moments.push(expires_at);
  if (every && reminders < 100) moments.push((reminded_at ?? requested_at) + every * 1000);
  return moments.sort((a, b) => a - b)[0];
}

const UNANSWERED = {
  fail: { status: "failed", error: "approval timed out" },
  approve: { status: "completed" },
  reject: { status: "failed", error: "approval rejected: nobody decided in time" },
  skip: { status: "skipped", cause: "operator", error: "approval timed out" },
} as const;

export function lookAtGate(run: ReferenceRun, i: number, at: number): void {
  const definition = run.definitions[i] as PlanStep;
  const step = run.steps[i] as ReferenceStep;
  const gate = step.approval as ApprovalState;
  const {
    approval_on_timeout: then = "fail",
    approval_remind_every_secs: every,
    approval_escalation = [],
  } = definition;
  const isLate = gate.expires_at !== undefined && !step.overdue && gate.expires_at <= at;
  if (isLate && then !== "escalate") {
    gate.status = "timed_out";
    Object.assign(step.trigger as object, { status: "timed_out" });
    endStep(run, i, UNANSWERED[then], at);
    return;
  }
  if (isLate) step.overdue = true;
  const { reminders = 0, requested_at, reminded_at = requested_at } = gate;
  if (every && reminders < 100 && reminded_at + every * 1000 <= at)
    Object.assign(gate, { reminders: reminders + 1, reminded_at: at });

  // One after the other, while one is due; at the deadline the next one is.
  let isAsked = !isLate;
  for (const { after_secs, approvers } of approval_escalation.slice(gate.escalation_level ?? 0)) {
    if (isAsked && requested_at + after_secs * 1000 > at) break;
    isAsked = true;
    Object.assign(gate, { escalation_level: (gate.escalation_level ?? 0) + 1, escalated_at: at });
    const named = gate.approvers ?? [];
    if (named.length > 0) gate.approvers = [...named, ...approvers.filter((name) => !named.includes(name))];
  }
  step.due = nextLook(definition, step);
}

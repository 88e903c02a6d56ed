import type { StepInput } from "../../../../src/contract/steps.ts";
import type { PlanStep } from "../../plan.ts";
import type { ApprovalState } from "../../state.ts";
import { nameFaults } from "./names.ts";
import { type Fault, fault } from "../fault.ts";
import type { StepChange, StepEnd, StepOf } from "../kind.ts";
import { gateOfStep } from "./votes.ts";

/** Each costs the run some events of its history, and somebody a message: who has not heard so many will not hear the next. */
const MOST_REMINDERS = 100;
const SHORTEST_REMINDER_SECS = 60;

const ON_TIMEOUT = {
  fail: { status: "failed", error: "approval timed out" },
  approve: { status: "completed" },
  reject: { status: "failed", error: "approval rejected: nobody decided in time" },
  skip: { status: "skipped", cause: "operator", error: "approval timed out" },
} as const satisfies Record<string, StepEnd>;

/**
 * When a pending gate is to be looked at next: at its end, at the next step of its escalation or at its next reminder, whichever is
 * first. An end that is past by `now` did not end it.
 */
export function nextMoment(definition: PlanStep, gate: ApprovalState, now: number): number | undefined {
  const { requested_at, expires_at, escalation_level = 0 } = gate;
  const step = definition.approval_escalation?.[escalation_level];
  const moments = [
    expires_at !== undefined && expires_at > now ? expires_at : undefined,
    step && requested_at + step.after_secs * 1000,
    nextReminder(definition, gate),
  ].filter((moment) => moment !== undefined);
  return moments.length > 0 ? Math.min(...moments) : undefined;
}

function nextReminder({ approval_remind_every_secs: secs }: PlanStep, gate: ApprovalState): number | undefined {
  const { requested_at, reminders = 0, reminded_at = requested_at } = gate;
  return secs && reminders < MOST_REMINDERS ? reminded_at + secs * 1000 : undefined;
}

/** Its time has come: the gate ends as it says, or stays open, and all that is due by now is recorded with it. */
export function onMoment({ definition, step }: StepOf, at: number): StepEnd | StepChange {
  const { approval, deadline = at } = step;
  const { approval_on_timeout: then = "fail" } = definition;
  const now = Math.max(at, deadline);
  const { expires_at } = approval ?? {};
  // Of one that has stayed open beyond its end, every later moment comes after that.
  const isOver = expires_at !== undefined && deadline <= expires_at && expires_at <= now;
  if (isOver && then !== "escalate")
    return {
      ...ON_TIMEOUT[then],
      gate: ({ approval, trigger }) => {
        if (approval) approval.status = "timed_out";
        if (trigger) trigger.status = "timed_out";
      },
    };
  return {
    status: "changed",
    gate: (step) => {
      const { approval } = step;
      if (!approval) return;
      remind(definition, approval, now);
      escalate(definition, approval, now, isOver);
      step.deadline = nextMoment(definition, approval, now);
    },
  };
}

function remind(definition: PlanStep, gate: ApprovalState, now: number): void {
  const due = nextReminder(definition, gate);
  if (due === undefined || due > now) return;
  gate.reminders = (gate.reminders ?? 0) + 1;
  gate.reminded_at = now;
}

/** Takes the steps that are due; when the time of the gate is over, one at least. Who is asked then is asked besides the others. */
function escalate(definition: PlanStep, gate: ApprovalState, now: number, isOver: boolean): void {
  const { approval_escalation: all = [] } = definition;
  const { requested_at, escalation_level: level = 0 } = gate;
  const due = all.filter(({ after_secs }) => requested_at + after_secs * 1000 <= now).length;
  const reached = Math.min(all.length, Math.max(due, isOver ? level + 1 : level));
  if (reached <= level) return;
  gate.escalation_level = reached;
  gate.escalated_at = now;
  const { approvers } = gateOfStep(definition, gate);
  const added = all.slice(level, reached).flatMap((step) => step.approvers);
  // Where anyone may decide, nobody is added.
  if (approvers.length > 0) gate.approvers = [...new Set([...approvers, ...added])];
}

/** Of each step that was taken of its escalation, who is to hear of that. */
export function notifiedBy({ approval_escalation: all = [] }: PlanStep, gate: ApprovalState): string[][] | undefined {
  const { escalation_level: level = 0 } = gate;
  return level === 0 ? undefined : all.slice(0, level).map(({ approvers, notify }) => notify ?? approvers);
}

/** What is wrong with the times of a gate. Whatever could have no effect is. */
export function* timeFaults(input: StepInput): Generator<Fault> {
  const { approval_timeout_secs: end = 0, approval_on_timeout: then, approval_remind_every_secs: every } = input;
  if (then !== undefined && end === 0)
    yield fault("approval_on_timeout", "approval_on_timeout needs an approval_timeout_secs above 0");
  const endsAt = end > 0 && then !== "escalate" ? end : Number.POSITIVE_INFINITY;
  yield* escalationFaults(input, endsAt);
  if (every === undefined) return;
  if (every < SHORTEST_REMINDER_SECS)
    yield fault("approval_remind_every_secs", `approval_remind_every_secs must be >= ${SHORTEST_REMINDER_SECS}`);
  if (every >= endsAt)
    yield fault(
      "approval_remind_every_secs",
      `approval_remind_every_secs must be less than approval_timeout_secs, ${end}: the gate ends then`,
    );
}

function* escalationFaults(input: StepInput, endsAt: number): Generator<Fault> {
  const { approval_timeout_secs: end = 0, approval_on_timeout: then, approval_escalation: all = [] } = input;
  for (const [n, { after_secs, approvers, notify = [] }] of all.entries()) {
    const at = `approval_escalation[${n}]`;
    const before = all[n - 1]?.after_secs ?? 0;
    if (after_secs <= before)
      yield { field: `${at}.after_secs`, message: `${at}.after_secs must be more than ${before}` };
    if (after_secs >= endsAt) {
      const why = "the gate ends then, unless approval_on_timeout is escalate";
      const message = `${at}.after_secs must be less than approval_timeout_secs, ${end}: ${why}`;
      yield { field: `${at}.after_secs`, message };
    }
    yield* nameFaults(approvers, `${at}.approvers`);
    yield* nameFaults(notify, `${at}.notify`);
  }
  if (then === "escalate" && !all.some(({ after_secs }) => after_secs >= end))
    yield fault(
      "approval_on_timeout",
      `approval_on_timeout is escalate: approval_escalation needs a step whose after_secs is ${end} or more`,
    );
}

import { nextLook } from "./times.ts";
import type { ReferenceRun, ReferenceStep } from "../reference-run.ts";
import { approversOf, barred, isExcluded } from "../reference-votes.ts";
import type { Command } from "../../../workflows/engine/events.ts";
import type { PlanStep } from "../../../workflows/engine/plan.ts";
import type { ApprovalState, Vote } from "../../../workflows/engine/state.ts";

const isGroup = (name: string) => name.startsWith("group:");

/** docs/approvals.md, "Other approvers, more time": why an open gate is not changed by this, or undefined. */
export function changeProblem(run: ReferenceRun, i: number, command: Command & { at: number }): string | undefined {
  const { approvals_required: k = 1, approval_exclude } = run.definitions[i] as PlanStep;
  const gate = run.steps[i]?.approval as ApprovalState;
  const { actor, at, may_override = false } = command;
  if (isExcluded(run, i, actor, approval_exclude)) return "forbidden";
  if (barred(run, i, command) && !may_override) return "forbidden";
  if (command.verb === "extend") {
    if (gate.expires_at === undefined) return "invalid_state";
    const until = Date.parse(command.until ?? "");
    return until > at && until > gate.expires_at ? undefined : "validation_error";
  }
  const next = [...new Set(command.approvers)];
  if (k > 1 && !may_override) {
    const [gone, ...more] = approversOf(run, i).filter((name) => !next.includes(name));
    const come = next.filter((name) => !approversOf(run, i).includes(name));
    const isOwn =
      more.length === 0 && (gone ?? actor) === actor && come.length <= (gone ? 1 : 0) && !come.some(isGroup);
    if (gate.handed_on?.includes(actor)) return "forbidden";
    if (!isOwn || !approversOf(run, i).includes(actor)) return "forbidden";
  }
  if (next.length === 0 || next.includes("") || next.includes("group:")) return "validation_error";
  const hasRefused = (name: string) => keptVotes(gate, next).some((v) => v.actor === name && v.decision === "reject");
  const gone = withoutPlace(run, i, command);
  const isOut = (name: string) => hasRefused(name) || gone.has(name);
  const able = next.filter((name) => !isExcluded(run, i, name, approval_exclude) && !isOut(name)).length;
  return able < k && !next.some(isGroup) ? "validation_error" : undefined;
}

/** Who handed on their place, by this command too; who may override gives one back to those that they name. */
function withoutPlace(run: ReferenceRun, i: number, { actor, approvers = [], may_override }: Command): Set<string> {
  const gone = new Set(run.steps[i]?.approval?.handed_on);
  const isOfSeveral = (run.definitions[i]?.approvals_required ?? 1) > 1;
  if (may_override) for (const name of approvers) gone.delete(name);
  else if (isOfSeveral && !approvers.includes(actor)) gone.add(actor);
  return gone;
}

const keptVotes = ({ votes = [] }: ApprovalState, next: string[]): Vote[] =>
  votes.filter(({ actor, as }) => next.includes(actor) || (as !== undefined && next.includes(as)));

export function changeGate(run: ReferenceRun, i: number, sent: Command & { at: number }) {
  const { verb, actor, at, reason, ...command } = sent;
  const step = run.steps[i] as ReferenceStep;
  const gate = step.approval as ApprovalState;
  if (verb === "extend") {
    const until = Date.parse(command.until ?? "");
    gate.extensions = [...(gate.extensions ?? []), { actor, at, until, reason }];
    gate.expires_at = until;
    Object.assign(step.trigger ?? {}, { expires_at: until });
    step.overdue = false;
    step.due = nextLook(run.definitions[i] as PlanStep, step);
    return;
  }
  const approvers = [...new Set(command.approvers)];
  const kept = keptVotes(gate, approvers);
  const dropped = gate.votes?.filter((vote) => !kept.includes(vote));
  const change = { actor, at, approvers, reason, ...(dropped?.length && { dropped }) };
  const gone = withoutPlace(run, i, sent);
  if (gone.size > 0 || gate.handed_on) gate.handed_on = [...gone];
  gate.reassignments = [...(gate.reassignments ?? []), change];
  gate.approvers = approvers;
  if (gate.votes) gate.votes = kept;
}

import { isOver, type ReferenceRun, type ReferenceStep } from "./reference-run.ts";
import type { Command } from "../../workflows/engine/events.ts";

type Sender = Pick<Command, "actor" | "groups">;

/** docs/approvals.md, "Who decides": why somebody has no say in a gate, or undefined. */
export function barred(run: ReferenceRun, gate: number, sender: Sender): "not one" | "excluded" | undefined {
  const { actor } = sender;
  const { approval_exclude = [] } = run.definitions[gate] ?? {};
  if (!isNamed(run, gate, sender)) return "not one";
  if (run.steps[gate]?.approval?.handed_on?.includes(actor)) return "excluded";
  return isExcluded(run, gate, actor, approval_exclude) ? "excluded" : undefined;
}

export function isNamed(run: ReferenceRun, gate: number, { actor, groups = [] }: Sender): boolean {
  const approvers = approversOf(run, gate);
  const names = [actor, ...groups.map((group) => `group:${group}`)];
  return approvers.length === 0 || approvers.some((one) => names.includes(one));
}

/** The group by which somebody votes, who is not named. */
export function asGroup(run: ReferenceRun, gate: number, { actor, groups = [] }: Sender): string | undefined {
  const approvers = approversOf(run, gate);
  if (approvers.length === 0 || approvers.includes(actor)) return undefined;
  return groups.map((group) => `group:${group}`).find((name) => approvers.includes(name));
}

/** Who they are by now: who is meant by a reference is known once the gate has opened. */
export const approversOf = ({ steps, definitions }: ReferenceRun, gate: number): string[] =>
  steps[gate]?.approval?.approvers ?? definitions[gate]?.approval_approvers ?? [];

export function isExcluded(
  run: ReferenceRun,
  gate: number | undefined,
  actor: string,
  by: readonly string[] = [],
): boolean {
  const hasApproved = run.steps.some(
    ({ approval }, i) =>
      i !== gate && approval?.votes?.some((vote) => vote.actor === actor && vote.decision === "approve"),
  );
  const hasPassed = run.passers.some((one) => one.gate !== gate && one.actor === actor);
  const hasStarted = run.header.created_by === actor || run.givers.has(actor);
  return (by.includes("created_by") && hasStarted) || (by.includes("previous_approvers") && (hasApproved || hasPassed));
}

/** Whether the votes open the gate, or close it for good. */
export function decisionOf(run: ReferenceRun, gate: number): "approved" | "rejected" | undefined {
  const { approvals_required = 1, approval_reject } = run.definitions[gate] ?? {};
  const named = approversOf(run, gate);
  const votes = run.steps[gate]?.approval?.votes ?? [];
  const isFor = (option: string | undefined) =>
    votes.filter((vote) => vote.decision === "approve" && vote.option === option).length;
  const against = votes.filter(({ decision }) => decision === "reject").length;
  if (votes.some(({ option }) => isFor(option) >= approvals_required)) return "approved";
  if (approval_reject !== "majority") return against > 0 ? "rejected" : undefined;
  const isCounted = named.length > 0 && named.every((name) => !name.startsWith("group:"));
  const people = named.filter((name) => barred(run, gate, { actor: name }) === undefined).length;
  const isLost = isCounted
    ? against > people / 2 || people - against < approvals_required
    : against >= approvals_required;
  return against > 0 && isLost ? "rejected" : undefined;
}

/** docs/approvals.md, "Deciding" and "What a gate shows": why a decision does not count, in the order in which it is looked at. */
export function problemOfDecision(
  run: ReferenceRun,
  i: number,
  verb: "approve" | "choose" | "reject",
  { step_attempt, shown_hash, option, ...sender }: Omit<Command, "verb">,
): string | undefined {
  const { approval, attempt, ...step } = run.steps[i] as ReferenceStep;
  const { approval_options } = run.definitions[i] ?? {};
  const isOfAnother = [step_attempt, shown_hash && Number(shown_hash.split(".")[0])].some(
    (one) => one !== undefined && one !== attempt,
  );
  const isOfOther = shown_hash !== undefined && approval && shown_hash !== `${attempt}${approval.shown_hash ?? ""}`;
  if (isOfAnother || isOfOther) return "conflict";
  if (approval?.status !== "pending") {
    const isAimed =
      step_attempt !== undefined || shown_hash !== undefined || (verb === "choose" && option !== undefined);
    return isAimed && approval && isOver(step) ? "conflict" : "invalid_state";
  }
  if (barred(run, i, sender)) return "approver_not_allowed";
  if (approval.votes?.some(({ actor }) => actor === sender.actor)) return "conflict";
  if (verb === "approve" && approval_options) return "invalid_state";
  if (verb !== "choose") return undefined;
  if (!approval_options) return "invalid_state";
  return approval_options.includes(option ?? "") ? undefined : "validation_error";
}

import type { End, Voter } from "./outcome.ts";
import { type Gate, groupsAmong, isGroup, isReference } from "../../workflows/engine/gates/gate.ts";
import type { Command, RunEvent } from "../../workflows/engine/events.ts";
import type { PlanStep } from "../../workflows/engine/plan.ts";
import type { Run } from "../../workflows/engine/run.ts";
import { formHash } from "../../workflows/engine/gates/shown.ts";
import type { ApprovalState, StepState } from "../../workflows/engine/state.ts";
import { gateOfStep, notAllowed } from "../../workflows/engine/steps/gate/votes.ts";
import { involvedIn } from "../../workflows/engine/gates/may-pass.ts";

type Decided = Extract<End, { is: "approved" | "rejected" }>;

/** Whether the step is voted on. */
export const isVotedOn = (end: End): end is Decided => end.is === "approved" || end.is === "rejected";

/**
 * The votes that decide a gate, one after the other until it is decided: of those named first, and then of its other approvers who
 * may. Where too few may, it stays open.
 */
export function* votesOn(run: Run, i: number, end: Decided, at: number): Generator<RunEvent> {
  const step = run.plan.steps[i] as PlanStep;
  const verb = end.is === "rejected" ? "reject" : step.approval_options ? "choose" : "approve";
  const voted = new Set<string>();
  for (const voter of [...end.voters, ...votersOf(gateOfStep(step, run.state.steps[i]?.approval))]) {
    const { approval } = run.state.steps[i] as StepState;
    if (approval?.status !== "pending") return;
    const involved = involvedIn(run.plan, run.state);
    if (voted.has(voter.actor) || notAllowed(step, approval, voter, involved) !== undefined) continue;
    voted.add(voter.actor);
    yield { at, ...voteBy(voter, verb, step, end, approval) };
  }
}

const voteBy = (
  { actor, groups }: Voter,
  verb: "approve" | "choose" | "reject",
  { step_ref, approval_options = [] }: PlanStep,
  end: Decided,
  { shown_hash }: ApprovalState,
): Command => ({
  type: "command",
  id: `${verb} ${step_ref} ${actor}`,
  ...{ actor, groups, verb, step_ref },
  reason: end.reason,
  ...(verb === "reject" ? {} : decisionBy(actor, approval_options, end)),
  form_hash: formHash(shown_hash),
});

/** Its first option, unless it is said which. */
function decisionBy(by: string, [first]: string[], { option = first, values, output }: Decided) {
  if (values === undefined) return { option, result: output };
  const chosen = `${JSON.stringify({ option, by }).slice(0, -1)},"values":${values}}`;
  return { option, result: { text: option === undefined ? values : chosen } };
}

/** Nobody knows who is in a group, or who anyone is: as many as are needed. */
function votersOf({ approvers, required = 1 }: Gate): Voter[] {
  const several = (name: string) => Array.from({ length: required }, (_, n) => (n === 0 ? name : `${name} ${n + 1}`));
  if (approvers.length === 0) return several("anyone").map((actor) => ({ actor }));
  const people = approvers.filter((name) => !isGroup(name));
  return [
    ...people.map((actor) => ({ actor })),
    ...groupsAmong(approvers).flatMap((group) =>
      several(`a member of ${group}`).map((actor) => ({ actor, groups: [group] })),
    ),
  ];
}

/** A gate, with all whom its escalation may ask. */
export function everAsked(step: PlanStep): Gate {
  const gate = gateOfStep(step);
  const asked = step.approval_escalation?.flatMap(({ approvers }) => approvers) ?? [];
  return gate.approvers.length === 0 ? gate : { ...gate, approvers: [...gate.approvers, ...asked] };
}

/** Somebody who is named as one who decides: an approver, or a member of one of the groups. Undefined: they can't be. */
export function voterNamed(actor: string, { approvers }: Gate): Voter | undefined {
  if (isGroup(actor)) return undefined;
  if (approvers.length === 0 || approvers.includes(actor)) return { actor };
  const groups = groupsAmong(approvers);
  // Whether they are who is referred to will be known when the gate opens.
  return groups.length > 0 || approvers.some(isReference) ? { actor, groups } : undefined;
}

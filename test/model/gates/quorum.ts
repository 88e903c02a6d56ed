import assert from "node:assert/strict";
import type { Approval, StepRun } from "../../../src/contract/runs.ts";
import type { ApprovalRow } from "../../../workflows/engine/mirror/rows.ts";
import type { PlanStep } from "../../../workflows/engine/plan.ts";

type Cast = Pick<NonNullable<Approval["votes"]>[number], "actor" | "decision" | "option">;
/** What somebody said to a gate that was applied, and the gate as it was shown then. */
interface Said {
  verb: string;
  actor: string;
  option?: string;
  approval: Approval;
}

const cast = ({ actor, decision, option }: Cast): Cast => ({
  actor,
  decision,
  ...(option !== undefined && { option }),
});

/** docs/approvals.md, "Several approvers" and "Options", by what is answered to those who vote, one after the other. */
export class Quorum {
  /** By gate, and by when it asked: a gate that asks again knows nothing of who has voted before. */
  readonly #votes = new Map<string, Cast[]>();
  readonly #unknown = new Set<string>();

  /** What becomes of a vote is not known: the next answer tells. */
  loses(ref: string): void {
    this.#unknown.add(ref);
  }

  hears({ step_ref, approvals_required: k = 1 }: PlanStep, { verb, actor, option, approval }: Said): void {
    const key = `${step_ref} ${approval.requested_at}`;
    const before = this.#votes.get(key) ?? [];
    const shown = (approval.votes ?? []).map(cast);
    this.#votes.set(key, shown);
    if (this.#unknown.delete(step_ref)) return;
    const own = before.filter((vote) => vote.actor === actor);
    const others = before.filter((vote) => vote.actor !== actor);
    if (verb === "withdraw") {
      assert.equal(own.length, 1, `${actor} has withdrawn a vote on ${step_ref}`);
      assert.deepEqual([approval.status, shown], ["pending", others]);
      return;
    }
    assert.equal(own.length, 0, `${actor} has one vote on ${step_ref}`);
    const vote = cast({ actor, decision: verb === "reject" ? "reject" : "approve", option });
    assert.deepEqual(shown, [...before, vote], `${verb} of ${step_ref} by ${actor} is one more vote`);
    const same = shown.filter((one) => one.decision === "approve" && one.option === option).length;
    const decided = verb === "reject" ? "rejected" : same >= k ? "approved" : "pending";
    assert.equal(approval.status, decided, `${step_ref}, of which ${k} have to choose the same`);
    assert.equal(approval.option, decided === "approved" ? option : undefined);
  }
}

/** A gate at the end of its run: it was let pass by exactly as many as it needs, and puts out what they have chosen. */
export function assertDecided(
  { step_ref, approvals_required: k = 1, approval_options: options }: PlanStep,
  gate: ApprovalRow,
  step: Pick<StepRun, "attempt" | "output">,
): void {
  assert.notEqual(gate.status, "pending", `${step_ref} waits after the end`);
  const votes = gate.votes ?? [];
  assert.equal(new Set(votes.map(({ actor }) => actor)).size, votes.length, `one vote a person on ${step_ref}`);
  for (const { actor } of votes) assert(gate.approvers.includes(actor), `${actor} is no approver of ${step_ref}`);
  if (gate.status !== "approved") return;
  const { option, approved_by } = gate;
  const same = votes.filter((vote) => vote.decision === "approve" && vote.option === option);
  assert.equal(same.length, k, `${step_ref} was approved by ${same.length} of ${k}`);
  assert.equal(votes.at(-1)?.actor, approved_by, "the last one decides");
  // One that was reset, and has not asked again, is of a former attempt.
  if (!options || step.attempt !== gate.attempt) return;
  assert(options.includes(option ?? ""), `${option} is no option of ${step_ref}`);
  assert.deepEqual(step.output, { option, by: approved_by });
}

import fc from "fast-check";
import { expect, test } from "vitest";
import { anyMoves, definitionsWith, move, movesOf, type Move } from "./any-moves.ts";
import { given, type Story } from "../given.ts";
import { VERBS } from "../../../workflows/engine/command.ts";
import { descendantsOf } from "../../../workflows/engine/plan.ts";
import { approval, job, type Step } from "../plans.ts";

const pick = <T>(...of: T[]) => fc.constantFrom(...of);
const eveAs = (pick: number) => ({ actor: "eve", may_override: pick % 2 === 0 });

const gatesOf = ({ plan }: Story) => plan.steps.flatMap(({ step_type }, i) => (step_type === "approval" ? [i] : []));

const times: fc.Arbitrary<Partial<Step>> = fc.record({
  approval_approvers: fc.constant(["ada", "eve"]),
  approval_exclude: fc.constant<Step["approval_exclude"]>(["created_by"]),
  approval_timeout_secs: pick(0, 100),
  approval_on_timeout: pick<Step["approval_on_timeout"]>("fail", "reject", "escalate"),
  approval_escalation: pick<Step["approval_escalation"]>(undefined, [{ after_secs: 120, approvers: ["group:board"] }]),
});

test("nothing that an approver does who is excluded, whatever rights they have, gets past a gate that was rejected", () => {
  fc.assert(
    fc.property(definitionsWith(times), anyMoves, (steps, all) => {
      const run = given(steps, { created_by: "eve" });
      for (let left = steps.length; left > 0; left--) {
        for (const { step_ref } of run.plan.steps) {
          run.command("reject", step_ref, { actor: "ada" });
          move(run, "news", run.index(step_ref) + steps.length);
        }
      }
      const isRejected = (i: number) =>
        run.run.state.steps[i]?.approval?.status === "rejected" && run.plan.steps[i]?.on_failure !== "continue";
      const held = new Set(
        gatesOf(run)
          .filter(isRejected)
          .flatMap((i) => descendantsOf(run.plan, i)),
      );
      for (const { verb, pick } of all) {
        move(run, verb, pick, eveAs(pick));
        for (const i of held) {
          const { started_at, status, output } = run.run.state.steps[i] ?? {};
          expect({ started_at, output }, `${run.plan.steps[i]?.step_ref} ${status} after ${verb}`).toEqual({});
        }
      }
    }),
    { numRuns: 1000 },
  );
});

test("nobody gets a step to run alone that two gates hold back which want two people, though they approve each", () => {
  const gates = fc.constant<Partial<Step>>({
    approval_approvers: ["ada", "eve"],
    approval_exclude: ["previous_approvers"],
    // One that lets go on when it is rejected wants nobody.
    on_failure: "fail_workflow",
  });
  const often: Move[] = ["approve", "approve", "retry", "replay-subtree", "news"];
  const moves = movesOf(...VERBS, "cancel", ...often, ...often);
  fc.assert(
    fc.property(definitionsWith(gates, [job, approval]), moves, (steps, all) => {
      const run = given(steps);
      const behind = gatesOf(run).map((i) => descendantsOf(run.plan, i));
      const held = steps.flatMap((_, i) => (behind.filter((of) => of.includes(i)).length > 1 ? [i] : []));
      for (const { verb, pick } of all) {
        move(run, verb, pick, eveAs(pick));
        for (const i of held) {
          const { started_at, status } = run.run.state.steps[i] ?? {};
          if (steps[i]?.step_type !== "approval")
            expect(started_at, `${run.plan.steps[i]?.step_ref} ${status} after ${verb}`).toBeUndefined();
        }
      }
    }),
    { numRuns: 2000 },
  );
});

import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { anyMoves, definitionsWith, move } from "./any-moves.ts";
import { given, type Story } from "../given.ts";
import { job, type Step } from "../plans.ts";
import { gatesLeftOut } from "../../../workflows/engine/gates/left-out.ts";
import { descendantsOf, enabledSteps, planOf, type PlanStep } from "../../../workflows/engine/plan.ts";

const definitions = definitionsWith(fc.constant({ approval_approvers: ["ada"] }));

/** Steps that only an approval lets run. */
const behindGates = ({ plan }: Story): Set<number> =>
  new Set(plan.steps.flatMap(({ step_type }, i) => (step_type === "approval" ? descendantsOf(plan, i) : [])));

test("nothing that one who is no approver does gets a step to run that a gate holds back", () => {
  fc.assert(
    fc.property(definitions, anyMoves, (steps, all) => {
      const run = given(steps);
      const held = behindGates(run);
      for (const { verb, pick } of all) {
        move(run, verb, pick);
        for (const i of held) {
          const { started_at, status, output } = run.run.state.steps[i] ?? {};
          expect({ started_at, output }, `${run.plan.steps[i]?.step_ref} ${status} after ${verb}`).toEqual({});
        }
      }
    }),
    { numRuns: 500 },
  );
});

test("an approval does not let a step complete twice, nor be given what nobody approved", () => {
  fc.assert(
    fc.property(definitions, anyMoves, (steps, all) => {
      const run = given(steps);
      const held = behindGates(run);
      for (let left = 30; left > 0; left--) {
        for (const { step_ref } of run.plan.steps) {
          run.command("approve", step_ref, { actor: "ada" });
          move(run, "news", run.index(step_ref) + steps.length * (left % 3 === 0 ? 3 : 1));
        }
      }
      // By step, the life of it that has completed.
      const done = new Map<number, number>();
      for (const { verb, pick } of all) {
        for (const i of held) {
          const { status, generation = 0 } = run.run.state.steps[i] ?? {};
          if (status === "completed") done.set(i, Math.min(generation, done.get(i) ?? generation));
        }
        const had = { ...run.run.state.step_payloads };
        move(run, verb, pick);
        for (const i of held) {
          const { status, generation } = run.run.state.steps[i] ?? {};
          if (status === "running" || status === "completed") expect(generation).toBe(done.get(i) ?? generation);
          if (status === "running") expect(run.run.state.step_payloads?.[`s${i}`]).toEqual(had[`s${i}`]);
        }
      }
    }),
    { numRuns: 300 },
  );
});

describe("overrides", () => {
  const stepsOf = (steps: Step[]) => steps.map((step, i): PlanStep => ({ ...step, id: `${i}` }));
  const off = (...refs: string[]) => refs.map((step_ref) => ({ step_ref, enabled: false }));

  test("that pass none leave every step behind the gates that it was behind", () => {
    fc.assert(
      fc.property(definitions, fc.array(fc.nat(8), { maxLength: 4 }), (steps, numbers) => {
        const all = stepsOf(steps);
        const overrides = off(...new Set(numbers.flatMap((n) => all[n]?.step_ref ?? [])));
        if (gatesLeftOut(all, overrides).length > 0) return;
        const enabled = enabledSteps(all, overrides);
        const header = given([job("x")]).plan.run;
        const [full, rest] = [planOf(header, all), planOf(header, enabled)];
        for (const { step_ref, step_type } of all) {
          if (step_type !== "approval") continue;
          const held = new Set(descendantsOf(rest, rest.index.get(step_ref) ?? -1).map((i) => enabled[i]?.step_ref));
          for (const i of descendantsOf(full, full.index.get(step_ref) ?? -1))
            if (rest.index.has(all[i]?.step_ref ?? "")) expect(held).toContain(all[i]?.step_ref);
        }
      }),
      { numRuns: 500 },
    );
  });
});

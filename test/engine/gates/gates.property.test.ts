import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { given, type Story, text } from "../given.ts";
import { approval, child, job, type Step, wait } from "../plans.ts";
import { type Verb, VERBS } from "../../../workflows/engine/command.ts";
import { gatesLeftOut } from "../../../workflows/engine/gates/left-out.ts";
import { descendantsOf, enabledSteps, planOf, type PlanStep } from "../../../workflows/engine/plan.ts";

const drafts = fc.array(
  fc.record({
    make: fc.constantFrom(job, job, approval, wait, child),
    parents: fc.array(fc.nat(), { maxLength: 3 }),
    on_failure: fc.constantFrom<Step["on_failure"]>("continue", "skip_dependents", "fail_workflow"),
    asks: fc.option(fc.nat(), { nil: undefined, freq: 2 }),
  }),
  { minLength: 2, maxLength: 9, size: "max" },
);
const definitions = drafts.map((all) =>
  all.map(({ make, parents, on_failure, asks }, i): Step => {
    const after = i === 0 ? [] : [...new Set(parents.map((n) => `s${n % i}`))];
    const condition = { type: "step_status", step_ref: `s${(asks ?? 0) % all.length}`, status: "completed" };
    const isGate = make === approval;
    return make(`s${i}`, after, {
      on_failure,
      // A gate that its definition does not let ask is none.
      ...(!isGate && asks !== undefined && { condition }),
      ...(isGate && { approval_approvers: ["ada"] }),
    });
  }),
);
const moves = fc.array(fc.record({ verb: fc.constantFrom(...VERBS, "news", "cancel" as const), pick: fc.nat() }), {
  maxLength: 40,
  size: "max",
});

/** Steps that only an approval lets run. */
const behindGates = ({ plan }: Story): Set<number> =>
  new Set(plan.steps.flatMap(({ step_type }, i) => (step_type === "approval" ? descendantsOf(plan, i) : [])));

/** Something that eve, or the world, does. */
function move(run: Story, verb: Verb | "news" | "cancel", pick: number): void {
  const ref = run.plan.steps[pick % run.plan.steps.length]?.step_ref ?? "";
  const other = run.plan.steps[(pick >> 5) % run.plan.steps.length]?.step_ref ?? "";
  const edits = {
    payload: pick % 5 === 0 ? text(pick) : undefined,
    step_payloads: pick % 3 === 0 ? { [pick % 2 ? ref : other]: text(pick) } : undefined,
  };
  if (verb === "cancel") run.happens({ type: "cancel_requested" });
  else if (verb !== "news") {
    const isRecovery = verb === "retry" || verb === "replay-subtree";
    run.command(verb, ref, { actor: "eve", may_override: false, ...(isRecovery && edits), result: text("forged") });
  } else if (run.state(ref).status === "running") {
    if (run.state(ref).child_run_id) {
      const child_run_id = run.state(ref).child_run_id ?? "";
      run.happens({ type: "child_ended", child_run_id, status: pick % 3 ? "completed" : "failed" });
    } else if (pick % 3) run.completes(ref);
    else run.fails(ref);
  }
}

test("nothing that one who is no approver does gets a step to run that a gate holds back", () => {
  fc.assert(
    fc.property(definitions, moves, (steps, all) => {
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
    fc.property(definitions, moves, (steps, all) => {
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

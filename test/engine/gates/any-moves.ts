import fc from "fast-check";
import { type Story, text } from "../given.ts";
import { approval, child, job, type Step, wait } from "../plans.ts";
import { type Verb, VERBS } from "../../../workflows/engine/command.ts";

/** Any small DAG; `gates`: what each of its approvals says. */
export const definitionsWith = (
  gates: fc.Arbitrary<Partial<Step>>,
  makes = [job, job, approval, wait, child],
): fc.Arbitrary<Step[]> =>
  fc
    .array(
      fc.record({
        gate: gates,
        make: fc.constantFrom(...makes),
        parents: fc.array(fc.nat(), { maxLength: 3 }),
        on_failure: fc.constantFrom<Step["on_failure"]>("continue", "skip_dependents", "fail_workflow"),
        asks: fc.option(fc.nat(), { nil: undefined, freq: 2 }),
      }),
      { minLength: 2, maxLength: 9, size: "max" },
    )
    .map((all) =>
      all.map(({ make, gate, parents, on_failure, asks }, i): Step => {
        const after = i === 0 ? [] : [...new Set(parents.map((n) => `s${n % i}`))];
        const condition = { type: "step_status", step_ref: `s${(asks ?? 0) % all.length}`, status: "completed" };
        const isGate = make === approval;
        return make(`s${i}`, after, {
          on_failure,
          // A gate that its definition does not let ask is none.
          ...(!isGate && asks !== undefined && { condition }),
          ...(isGate && gate),
        });
      }),
    );

export type Move = Verb | "news" | "cancel" | "later";

/** Each of these as likely as the others. */
export const movesOf = (...verbs: Move[]) =>
  fc.array(fc.record({ verb: fc.constantFrom(...verbs), pick: fc.nat() }), { maxLength: 40, size: "max" });

export const anyMoves = movesOf(...VERBS, "news", "cancel", "later");

/** Something that eve, or the world, does. */
export function move(
  run: Story,
  verb: Move,
  pick: number,
  eve: { actor: string; may_override?: boolean } = { actor: "eve", may_override: false },
): void {
  const ref = run.plan.steps[pick % run.plan.steps.length]?.step_ref ?? "";
  const other = run.plan.steps[(pick >> 5) % run.plan.steps.length]?.step_ref ?? "";
  const edits = {
    payload: pick % 5 === 0 ? text(pick) : undefined,
    step_payloads: pick % 3 === 0 ? { [pick % 2 ? ref : other]: text(pick) } : undefined,
  };
  if (verb === "cancel") run.happens({ type: "cancel_requested" });
  else if (verb === "later") run.later(pick % 200);
  else if (verb !== "news") {
    const isRecovery = verb === "retry" || verb === "replay-subtree";
    run.command(verb, ref, { ...eve, approvers: [eve.actor], ...(isRecovery && edits), result: text("forged") });
  } else if (run.state(ref).status === "running") {
    if (run.state(ref).child_run_id) {
      const child_run_id = run.state(ref).child_run_id ?? "";
      run.happens({ type: "child_ended", child_run_id, status: pick % 3 ? "completed" : "failed" });
    } else if (pick % 3) run.completes(ref);
    else run.fails(ref);
  }
}

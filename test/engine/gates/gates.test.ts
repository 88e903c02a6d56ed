import fc from "fast-check";
import { describe, expect, it, test } from "vitest";
import { given, type Story, text } from "../given.ts";
import { approval, child, job, type Step, wait } from "../plans.ts";
import { type CommandPayload, type Verb, VERBS } from "../../../workflows/engine/command.ts";
import { gatesLeftOut } from "../../../workflows/engine/gates/left-out.ts";
import { descendantsOf, enabledSteps, planOf, type PlanStep, RULES } from "../../../workflows/engine/plan.ts";
import { previewOf } from "../../../workflows/engine/preview.ts";
import type { RecoveryVerb } from "../../../workflows/engine/recovery/rule.ts";

const FORBIDDEN = {
  status: "refused",
  code: "forbidden",
  message: "insufficient permissions: requires approvals:override",
};
const failing = { type: "step_status", step_ref: "scan", status: "failed" };

/** What eve may not do, and ada (an approver), or whoever has the scope, may. `behind`: the step that the gate holds back. */
const REFUSED: [what: string, run: () => Story, verb: Verb, step_ref: string, payload?: CommandPayload][] = [
  ["skip a gate", () => given([approval("gate"), job("deploy", ["gate"])]), "skip", "gate"],
  ["force-complete a gate", () => given([approval("gate"), job("deploy", ["gate"])]), "force-complete", "gate"],
  ["skip a gate that is not open yet", () => given([job("a"), approval("gate", ["a"])]), "skip", "gate"],
  ["skip what the gate holds back", () => given([approval("gate"), job("a", ["gate"]), job("b", ["a"])]), "skip", "a"],
  [
    "force-complete it far behind",
    () => given([approval("gate"), job("a", ["gate"]), job("b", ["a"])]),
    "force-complete",
    "b",
  ],
  ["skip a sub-workflow behind it", () => given([approval("gate"), child("a", ["gate"])]), "skip", "a"],
  [
    "skip a second gate behind the first",
    () => given([approval("g"), approval("h", ["g"], { approval_approvers: [] })]),
    "skip",
    "h",
  ],
  [
    "take an approval back",
    () => given([approval("gate"), job("a", ["gate"])]).does("approve", "gate"),
    "retry",
    "gate",
  ],
  [
    "replay a gate",
    () => given([approval("gate"), job("a", ["gate"])]).does("approve", "gate"),
    "replay-subtree",
    "gate",
  ],
  ["reopen what was rejected", () => given([approval("gate")]).does("reject", "gate"), "retry", "gate"],
  ["run what completed behind it again", () => approvedAndDone(), "retry", "deploy"],
  ["replay what is behind it", () => approvedAndDone(), "replay-subtree", "deploy"],
  ["replay what failed behind it", () => approvedAndFailed(), "replay-subtree", "deploy"],
  ["replay a join behind it from its other side", () => joined(), "replay-subtree", "side"],
  [
    "retry what failed behind it with another payload",
    () => approvedAndFailed(),
    "retry",
    "deploy",
    { payload: text(1) },
  ],
  [
    "the same, for that step alone",
    () => approvedAndFailed(),
    "retry",
    "deploy",
    { step_payloads: { deploy: text(1) } },
  ],
  ["slip it one by way of another step", () => besides(), "retry", "side", { step_payloads: { later: text(1) } }],
  ["skip what a gate's condition looks at", () => asking(), "skip", "scan"],
  ["force-complete what that is made of", () => asking(), "force-complete", "source"],
  ["give it another payload", () => scanned(), "retry", "source", { payload: text(1) }],
  ["give a step that it looks at one", () => scanned(), "retry", "scan", { step_payloads: { scan: text(1) } }],
];

const approvedAndDone = () =>
  given([approval("gate"), job("deploy", ["gate"])])
    .does("approve", "gate")
    .completes("deploy");
const approvedAndFailed = () =>
  given([approval("gate"), job("deploy", ["gate"])])
    .does("approve", "gate")
    .fails("deploy");
const joined = () =>
  given([approval("gate"), job("side"), job("join", ["gate", "side"])])
    .does("approve", "gate")
    .completes("side")
    .completes("join");
const besides = () =>
  given([approval("gate"), job("side"), wait("event", ["gate"]), job("later", ["event"])])
    .does("approve", "gate")
    .completes("side");
/** Its gate asks only where the scan fails. */
const conditional = [
  wait("source"),
  wait("scan", ["source"]),
  approval("gate", ["source"], { condition: failing, depends_on: ["scan"] }),
];
const asking = () => given([...conditional, job("deploy", ["gate"])]);
const scanned = () =>
  given([
    job("source"),
    job("scan", ["source"], { on_failure: "continue" }),
    approval("gate", ["scan"], { condition: failing }),
  ])
    .completes("source")
    .fails("scan");

describe("who is no approver cannot", () => {
  test.each(REFUSED)("%s", (_, make, verb, step_ref, payload = {}) => {
    for (const may_override of [undefined, false]) {
      const run = make();
      const { steps, status } = run.run.state;
      const before = JSON.stringify({ steps, status });
      const asked = { ...payload, verb: verb as RecoveryVerb, step_ref, actor: "eve", may_override };
      expect(previewOf(run.plan, run.run.state, asked, run.now), "its dry run").toMatchObject(FORBIDDEN);
      expect(run.command(verb, step_ref, { ...payload, actor: "eve", may_override })).toMatchObject(FORBIDDEN);
      expect(JSON.stringify({ steps: run.run.state.steps, status: run.run.state.status })).toBe(before);
    }
  });

  test.each(REFUSED)("%s; an approver can, and who has the scope", (_, make, verb, step_ref, payload = {}) => {
    expect(make().command(verb, step_ref, { ...payload, actor: "ada" }).status).toBe("applied");
    expect(make().command(verb, step_ref, { ...payload, actor: "eve", may_override: true }).status).toBe("applied");
  });

  it("pass a gate of several with the right to one of them", () => {
    const run = given([approval("g"), approval("h", ["g"], { approval_approvers: ["eve"] })]);
    expect(run.command("skip", "h", { actor: "eve" })).toMatchObject(FORBIDDEN);
  });
});

describe("who is no approver can", () => {
  const eve = { actor: "eve", may_override: false };

  it("skip what no gate holds back, and what an approved one does not any more", () => {
    const run = given([approval("gate"), job("deploy", ["gate"]), job("other"), job("after", ["deploy", "other"])]);
    run.does("approve", "gate").completes("deploy").does("skip", "after", eve);
    expect(run.statuses.after).toBe("skipped");
  });

  it("go on with what was approved and has not completed, once", () => {
    const run = approvedAndFailed().does("retry", "deploy", eve);
    expect(run.statuses).toEqual({ gate: "completed", deploy: "running" });
    expect(run.completes("deploy").command("retry", "deploy", eve)).toMatchObject(FORBIDDEN);
  });

  it("replay what comes before a gate, which asks again", () => {
    const run = given([job("build"), approval("gate", ["build"]), job("deploy", ["gate"])]).completes("build");
    run.does("approve", "gate").completes("deploy").does("replay-subtree", "build", eve).completes("build");
    expect(run.statuses).toEqual({ build: "completed", gate: "waiting", deploy: "waiting" });
    expect(run.approval("gate")?.status).toBe("pending");
  });

  it("give other payloads to what is still to be approved", () => {
    const run = given([job("build"), approval("gate", ["build"]), job("deploy", ["gate"])]).fails("build");
    run.does("retry", "build", { ...eve, payload: text(1), step_payloads: { deploy: text(2) } });
    expect(run.statuses.build).toBe("running");
  });

  it("pass a gate without approvers", () => {
    const run = given([approval("gate", [], { approval_approvers: [] }), job("deploy", ["gate"])]);
    expect(run.does("skip", "gate", eve).statuses.deploy).toBe("running");
  });
});

describe("a run that began by older rules", () => {
  const old = () => given([approval("gate"), job("deploy", ["gate"])], { rules: undefined });

  it("keeps what it let happen, and asks for the right of a command that says whether it is there", () => {
    expect(old().command("skip", "gate", { actor: "eve" }).status).toBe("applied");
    expect(old().command("skip", "gate", { actor: "eve", may_override: false })).toMatchObject(FORBIDDEN);
    expect(old().command("skip", "gate", { actor: "eve", may_override: true }).status).toBe("applied");
    expect(RULES).toBeGreaterThan(0);
  });
});

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
  const leftOut = (steps: Step[], ...refs: string[]) =>
    gatesLeftOut(stepsOf(steps), off(...refs)).map(({ step_ref }) => step_ref);
  const chain = [job("build"), approval("gate", ["build"]), job("test", ["gate"]), job("deploy", ["test"])];

  test("pass the gate that they leave out, and the one that they cut off from what it holds back", () => {
    expect(leftOut(chain, "gate")).toEqual(["gate"]);
    expect(leftOut(chain, "test")).toEqual(["gate"]);
    expect(leftOut(chain, "gate", "test", "deploy")).toEqual(["gate"]);
  });

  test("pass none where all that it holds back still waits for it, or is left out", () => {
    expect(leftOut(chain, "build")).toEqual([]);
    expect(leftOut(chain, "deploy")).toEqual([]);
    expect(leftOut(chain, "test", "deploy")).toEqual([]);
    expect(leftOut([...chain, job("also", ["gate", "test"])], "test", "deploy")).toEqual([]);
    expect(gatesLeftOut(stepsOf(chain), [{ step_ref: "gate", enabled: true }])).toEqual([]);
  });

  test("pass a gate whose condition looks at what they leave out, or at what comes after that", () => {
    expect(leftOut([...conditional, job("deploy", ["gate"])], "scan")).toEqual(["gate"]);
    expect(leftOut([...conditional, job("deploy", ["gate"])], "source")).toEqual(["gate"]);
    const apart = [job("scan"), approval("gate", [], { condition: failing })];
    expect(leftOut(apart, "scan")).toEqual(["gate"]);
  });

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

  test("of many gates and steps are judged in a moment", () => {
    const many = Array.from({ length: 1_000 }, (_, i) => {
      const after = Array.from({ length: Math.min(i, 150) }, (_, n) => `s${i - 1 - n}`);
      return (i % 2 ? approval : job)(`s${i}`, after);
    });
    const started = performance.now();
    expect(leftOut(many, "s998")).toEqual([]);
    expect(performance.now() - started).toBeLessThan(2_000);
  });
});

import { describe, expect, test } from "vitest";
import { given, text } from "../given.ts";
import { approval, child, job, planWith, type Step } from "../plans.ts";
import { previewOf } from "../../../workflows/engine/preview.ts";
import { keptFaults, stateIn } from "../../../workflows/engine/recovery/other-version.ts";

const OLD = [job("a"), approval("gate", ["a"]), job("b", ["gate"]), job("c", ["b"])];

/** "a" and "gate" have completed, "b" has failed. */
function failed() {
  const story = given(OLD, {}, [{ step_ref: "a", output: text(1) }, { step_ref: "gate" }]);
  const state = story.run.state;
  Object.assign(state, { status: "failed" });
  Object.assign(state.steps[2] ?? {}, { status: "failed" });
  Object.assign(state.steps[3] ?? {}, { status: "canceled" });
  return { plan: story.run.plan, state };
}

test.each<[string, Step[], string[]]>([
  ["nothing is changed", OLD, []],
  [
    "what did not complete is changed, and steps are new",
    [...OLD.slice(0, 2), job("c"), job("b", ["c"]), job("n")],
    [],
  ],
  ["a completed step is gone", OLD.slice(1), ['step "a" has completed, and is not there']],
  [
    "a completed step depends on others",
    [job("n"), job("a", ["n"]), approval("gate", ["a"])],
    ['step "a" has completed, and has other dependencies'],
  ],
  [
    "what completed is an approval now",
    [approval("a"), approval("gate", ["a"])],
    ['step "a" has completed, and is of type approval, not job'],
  ],
  [
    "a decided approval is for others to decide",
    [job("a"), approval("gate", ["a"], { approval_approvers: ["carl"] })],
    ['step "gate" has completed, and has other approvers'],
  ],
  ...(
    [
      ["for more of them", { approvals_required: 2 }, "approvers"],
      ["not for who started the run", { approval_exclude: ["created_by"] }, "approvers"],
      ["of a choice", { approval_options: ["ship"] }, "options"],
      ["of what is filled in", { approval_form: { text: "{}" } }, "form"],
    ] as [string, Partial<Step>, string][]
  ).map(([what, more, field]): [string, Step[], string[]] => [
    `a decided approval is ${what}`,
    [job("a"), approval("gate", ["a"], more)],
    [`step "gate" has completed, and has ${field === "form" ? "another" : "other"} ${field}`],
  ]),
])("a retry in another version in which %s", (_, steps, faults) => {
  const { plan, state } = failed();
  expect(keptFaults(plan, state, planWith(steps))).toEqual(faults);
});

describe("a gate that let pass while nobody decided it", () => {
  const DAY = 86_400;
  const boss = { after_secs: DAY, approvers: ["boss"] };
  const condition = { type: "eq", left: { ref: "payload.n" }, right: 1 } as never;
  const timing: Partial<Step> = { approval_timeout_secs: DAY, approval_on_timeout: "skip" };
  const escalating: Partial<Step> = { approval_escalation: [boss] };
  /** Of a gate, and a job behind it that has failed the run. */
  const stepsOf = (gate: Partial<Step>) => [approval("gate", [], gate), job("b", ["gate"])];
  const retried = (story: ReturnType<typeof given>, gate: Partial<Step>) =>
    story.fails("b").command("retry", "b", {
      actor: "bob",
      may_override: true,
      in_version: {
        ...{ workflow_name: "w", workflow_version: 2, workflow_version_id: "ver_2" },
        steps: planWith(stepsOf(gate)).steps,
      },
    });
  const fault = (field: string, status = "completed") => ({
    ...{ status: "refused", code: "conflict" },
    details: [`step "gate" is ${status}, and has another ${field}`],
  });

  test("by its timeout is kept only where that lets pass as well", () => {
    const story = () => given(stepsOf(timing)).later(DAY);
    expect(retried(story(), { ...timing, approval_on_timeout: "fail" })).toMatchObject(
      fault("approval_on_timeout", "skipped"),
    );
    expect(retried(story(), timing)).toMatchObject({ status: "applied" });
  });

  test("by whom its escalation has added is kept only with that", () => {
    const story = () => given(stepsOf(escalating)).later(DAY).does("approve", "gate", { actor: "boss" });
    expect(retried(story(), {})).toMatchObject(fault("approval_escalation"));
    expect(retried(story(), escalating)).toMatchObject({ status: "applied" });
    const soon = given(stepsOf(escalating)).does("approve", "gate", { actor: "bob" });
    expect(retried(soon, {})).toMatchObject({ status: "applied" });
  });

  test("by its condition is kept only with that", () => {
    const story = () => given(stepsOf({ condition }), { payload: text({ n: 2 }) });
    expect(story().statuses.gate).toBe("skipped");
    expect(retried(story(), {})).toMatchObject(fault("condition", "skipped"));
    expect(retried(story(), { condition })).toMatchObject({ status: "applied" });
  });

  test("is kept as it was where the run began by older rules", () => {
    expect(retried(given(stepsOf(timing), { rules: 2 }).later(DAY), {})).toMatchObject({ status: "applied" });
  });
});

test("a sub-workflow that has completed is not kept as one with other approvals in it", () => {
  const { plan, state } = given([child("sub")], {}, [{ step_ref: "sub" }]).run;
  const faultsOf = (gates_within: string[][]) =>
    keptFaults(plan, state, planWith([child("sub", [], { gates_within })]));
  expect(faultsOf([])).toEqual([]);
  expect(faultsOf([["carl"]])).toEqual(['step "sub" has completed, and has other approvers']);
});

test("a retry in another version keeps what completed, by name, and begins what is new", () => {
  const { plan, state } = failed();
  const next = planWith([job("n"), approval("gate", ["a"]), job("b", ["gate", "n"]), job("a")]);
  const preview = previewOf(next, stateIn(plan, state, next), { verb: "retry-run", actor: "ada" }, 0);
  if (preview.status === "refused") throw new Error(preview.message);
  const actions = preview.steps.map(({ step_ref, actions }) => [step_ref, actions.join(" ")]);
  expect(actions).toEqual([
    ["n", "reset started"],
    ["gate", "kept"],
    ["b", "reset"],
    ["a", "kept"],
  ]);
});

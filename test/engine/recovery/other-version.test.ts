import { expect, test } from "vitest";
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
])("a retry in another version in which %s", (_, steps, faults) => {
  const { plan, state } = failed();
  expect(keptFaults(plan, state, planWith(steps))).toEqual(faults);
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

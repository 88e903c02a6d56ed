import { expect, test } from "vitest";
import type { PolicyRules } from "../../src/contract/definitions/workflow-policies.ts";
import { policyViolation } from "../../src/rules/workflow-policy.ts";

const OFF: PolicyRules = {
  max_fan_out: 0,
  max_depth: 0,
  forbidden_step_types: [],
  require_approval_for_deploy: false,
};
const step = (step_ref: string, depends_on: string[] = [], step_type = "job") => ({ step_ref, step_type, depends_on });
const FAN = [step("a"), step("b", ["a"]), step("c", ["a"]), step("d", ["b", "c"])];

test.each<[Partial<PolicyRules>, ReturnType<typeof step>[], string | undefined]>([
  [{}, FAN, undefined],
  [{ max_fan_out: 2 }, FAN, undefined],
  [{ max_fan_out: 1 }, FAN, 'step "a" has a fan-out of 2, more than max_fan_out 1'],
  [{ max_depth: 3 }, FAN, undefined],
  [{ max_depth: 2 }, FAN, "the longest path has 3 steps, more than max_depth 2"],
  [
    { max_depth: 2 },
    [step("d", ["c"]), step("c", ["b"]), step("b")],
    "the longest path has 3 steps, more than max_depth 2",
  ],
  [{ max_depth: 1, max_fan_out: 1 }, [], undefined],
  [{ forbidden_step_types: ["SLEEP"] }, [...FAN, step("z", [], "sleep")], 'step "z" has the forbidden type sleep'],
  [{ forbidden_step_types: ["sleep"] }, FAN, undefined],
  [{ require_approval_for_deploy: true }, FAN, undefined],
  [
    { require_approval_for_deploy: true },
    [...FAN, step("Pre-Release.eu")],
    'step "Pre-Release.eu" deploys, and the workflow has no approval step',
  ],
  [{ require_approval_for_deploy: true }, [step("deploy"), step("ok", ["deploy"], "approval")], undefined],
  [{ require_approval_for_deploy: true }, [step("deploy", [], "sub_workflow")], undefined],
])("a policy of %j is told of %j", (rules, steps, problem) => {
  expect(policyViolation({ ...OFF, ...rules }, steps)).toBe(problem && `workflow policy violation: ${problem}`);
});

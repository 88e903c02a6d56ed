import type { PolicyRules } from "../contract/definitions/workflow-policies.ts";
import { dependentsOf, topologicalOrder } from "./definition-graph.ts";

interface Step {
  step_ref: string;
  step_type: string;
  depends_on: string[];
}

const DEPLOYS = /deploy|release/i;

/** The first way in which steps, which have no circle, are not what their project's policy allows. */
export function policyViolation(policy: PolicyRules, steps: Step[]): string | undefined {
  const problem =
    forbiddenType(policy, steps) ?? tooWide(policy, steps) ?? tooDeep(policy, steps) ?? ungated(policy, steps);
  return problem && `workflow policy violation: ${problem}`;
}

function forbiddenType({ forbidden_step_types }: PolicyRules, steps: Step[]): string | undefined {
  const forbidden = new Set(forbidden_step_types.map((type) => type.toLowerCase()));
  const step = steps.find(({ step_type }) => forbidden.has(step_type.toLowerCase()));
  return step && `step "${step.step_ref}" has the forbidden type ${step.step_type}`;
}

function tooWide({ max_fan_out }: PolicyRules, steps: Step[]): string | undefined {
  if (max_fan_out === 0) return undefined;
  for (const [ref, { length }] of dependentsOf(steps))
    if (length > max_fan_out) return `step "${ref}" has a fan-out of ${length}, more than max_fan_out ${max_fan_out}`;
  return undefined;
}

function tooDeep({ max_depth }: PolicyRules, steps: Step[]): string | undefined {
  if (max_depth === 0) return undefined;
  const depths = new Map<string, number>();
  const parents = new Map(steps.map(({ step_ref, depends_on }) => [step_ref, depends_on]));
  for (const ref of topologicalOrder(steps)) {
    const above = (parents.get(ref) ?? []).map((parent) => depths.get(parent) ?? 0);
    depths.set(ref, 1 + above.reduce((most, depth) => Math.max(most, depth), 0));
  }
  const depth = [...depths.values()].reduce((most, each) => Math.max(most, each), 0);
  return depth > max_depth ? `the longest path has ${depth} steps, more than max_depth ${max_depth}` : undefined;
}

function ungated({ require_approval_for_deploy }: PolicyRules, steps: Step[]): string | undefined {
  if (!require_approval_for_deploy || steps.some(({ step_type }) => step_type === "approval")) return undefined;
  const step = steps.find(({ step_type, step_ref }) => step_type === "job" && DEPLOYS.test(step_ref));
  return step && `step "${step.step_ref}" deploys, and the workflow has no approval step`;
}

import { isGate } from "./may-pass.ts";
import { mayTurnOut } from "./may-turn-out.ts";
import { indexesOf, swayedBy } from "./reach.ts";
import type { StepOverride } from "../../../src/contract/workflows.ts";
import { enabledSteps, graphOf, type PlanStep } from "../plan.ts";

/**
 * The approvals that overrides pass: a gate that is left out, one that no longer stands before a step that runs (since
 * whatever connects the two is left out), and one that may turn out otherwise without what is left out.
 */
export function gatesLeftOut(steps: PlanStep[], overrides: StepOverride[] = []): PlanStep[] {
  const enabled = enabledSteps(steps, overrides);
  const gates = steps.filter(isGate);
  if (gates.length === 0 || enabled.length === steps.length) return [];
  const runs = new Set(enabled.map(({ step_ref }) => step_ref));
  const bits = new Map(gates.map(({ step_ref }, n) => [step_ref, 1n << BigInt(n)]));
  const [all, left] = [gatesBefore(steps, bits), gatesBefore(enabled, bits)];
  let passed = 0n;
  for (const ref of runs) passed |= (all.get(ref) ?? 0n) & ~(left.get(ref) ?? 0n);
  const { index, dependents } = graphOf(steps);
  const isLeftOut = ({ step_ref }: PlanStep) => !runs.has(step_ref);
  const swayed = swayedBy({ steps, index, dependents }, indexesOf(steps, isLeftOut));
  return gates.filter(
    (gate) =>
      isLeftOut(gate) ||
      (passed & (bits.get(gate.step_ref) ?? 0n)) !== 0n ||
      (mayTurnOut(gate, "steps") && swayed.has(index.get(gate.step_ref) ?? -1)),
  );
}

/** Of every step the gates before it, as bits: of many gates and many steps, sets would take seconds. */
export function gatesBefore(steps: PlanStep[], bits: ReadonlyMap<string, bigint>): Map<string, bigint> {
  const found = new Map<string, bigint>();
  const open = new Map(steps.map(({ step_ref, depends_on }) => [step_ref, depends_on.length]));
  const { index, dependents } = graphOf(steps);
  const free = steps.filter(({ depends_on }) => depends_on.length === 0);
  for (let step = free.pop(); step; step = free.pop()) {
    const { step_ref } = step;
    const behind = (found.get(step_ref) ?? 0n) | (bits.get(step_ref) ?? 0n);
    for (const d of dependents[index.get(step_ref) ?? -1] ?? []) {
      const dependent = steps[d] as PlanStep;
      found.set(dependent.step_ref, (found.get(dependent.step_ref) ?? 0n) | behind);
      const left = (open.get(dependent.step_ref) ?? 0) - 1;
      open.set(dependent.step_ref, left);
      if (left === 0) free.push(dependent);
    }
  }
  return found;
}

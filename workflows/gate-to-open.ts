import type { OpenGateInput } from "./activity-types.ts";
import { sourcesOf } from "./attempt-input.ts";
import type { PlanStep } from "./engine/plan.ts";
import { readsOf } from "./engine/references/reads.ts";
import type { Run } from "./engine/run.ts";

/** What a gate's contents are rendered from: of the outputs before it only those that they name, since any may be large. */
export function gateToOpen(run: Run, i: number): OpenGateInput {
  const { step_ref, approval_payload, ...gate } = run.plan.steps[i] as PlanStep;
  const { parents = [], ...sources } = sourcesOf(run, i);
  const named = new Set(readsOf(run, i).map((read) => run.plan.steps[read]?.step_ref));
  return {
    gate: {
      approvers: gate.approval_approvers ?? [],
      required: gate.approvals_required,
      title: gate.approval_title,
      text: gate.approval_text,
      links: gate.approval_links,
      form: gate.approval_form?.text,
      options: gate.approval_options,
    },
    sources: { ...sources, step: approval_payload, parents: parents.filter(([ref]) => named.has(ref)) },
  };
}

import { isReference } from "../../gates/gate.ts";
import type { PlanStep } from "../../plan.ts";
import type { RenderedGate, StepState } from "../../state.ts";
import { nextMoment } from "./times.ts";
import { openTrigger } from "../trigger.ts";

const TO_RENDER = [
  "approval_title",
  "approval_text",
  "approval_payload",
  "approval_links",
  "approval_form",
  "approval_options",
] as const satisfies (keyof PlanStep)[];

/** Whether an activity has to find out who decides the gate, or what it shows. Any other opens as it starts. */
export const isRendered = (definition: PlanStep): boolean =>
  definition.approval_approvers?.some(isReference) === true ||
  TO_RENDER.some((field) => definition[field] !== undefined);

/** From now on it can be decided, and its time runs. By when its step has started, the approval is known to be of this attempt. */
export function openGate(definition: PlanStep, step: StepState, at: number, rendered: RenderedGate = {}): void {
  const timeout = definition.approval_timeout_secs ?? 0;
  const expires_at = timeout > 0 ? at + timeout * 1000 : undefined;
  const { approvers, shown, shown_hash } = rendered;
  openTrigger(step, at, expires_at);
  step.approval = {
    ...{ status: "pending", requested_at: step.started_at ?? at, expires_at },
    ...(approvers && { approvers }),
    ...(shown && { shown, shown_hash }),
  };
  step.deadline = nextMoment(definition, step.approval, at);
}

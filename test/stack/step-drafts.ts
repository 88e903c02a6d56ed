import type { StepDraft } from "./scenario.ts";

export const GATE = { step_ref: "gate", step_type: "approval", approval_approvers: ["ada"] };
export const SLEEPS = { step_ref: "nap", step_type: "sleep", sleep_duration_secs: 600 };
export const event = (event_key: string): StepDraft => ({ step_ref: "event", step_type: "wait_for_event", event_key });
export const calling = (child: { id: string }, fields: object = {}) => ({
  step_ref: "child",
  step_type: "sub_workflow",
  sub_workflow_id: child.id,
  ...fields,
});

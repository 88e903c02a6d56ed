import type { StepType } from "../../../src/contract/workflows.ts";
import { approval } from "./approval.ts";
import { job } from "./job.ts";
import type { StepKind } from "./kind.ts";
import { sleep } from "./sleep.ts";
import { subWorkflow } from "./sub-workflow.ts";
import { waitForEvent } from "./wait-for-event.ts";

/** One entry a step type: the compiler names what is missing. */
export const STEP_KINDS: Record<StepType, StepKind> = {
  job,
  approval,
  wait_for_event: waitForEvent,
  sleep,
  sub_workflow: subWorkflow,
};

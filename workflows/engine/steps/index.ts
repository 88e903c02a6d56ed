import type { StepType } from "../../../src/contract/steps/index.ts";
import type { StepVerb } from "../command.ts";
import { approval } from "./approval.ts";
import { job } from "./job.ts";
import type { StepCommand, StepKind } from "./kind.ts";
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

/** Each verb that is a step type's own: the compiler names one that no type has. */
export const STEP_COMMANDS: Record<StepVerb, StepCommand> = { ...approval.commands, ...waitForEvent.commands };

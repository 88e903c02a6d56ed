import { rfc3339 } from "../time.ts";
import { ownKey } from "./event-keys.ts";
import { atLeastZero, fault } from "./fault.ts";
import type { StepKind } from "./kind.ts";
import { closeTrigger, openTrigger, triggerRow } from "./trigger.ts";

/** A durable timer. */
export const sleep = {
  open: "waiting",
  emits: true,
  begin({ definition, step }, at) {
    openTrigger(step, at, at + (definition.sleep_duration_secs ?? 0) * 1000);
  },
  work: () => [],
  waits: ({ step }) => ({ reason: "sleep", until: step.deadline ?? 0 }),
  onDeadline({ step }, at) {
    const slept_for_secs = (Math.floor(at) - Math.floor(step.started_at ?? at)) / 1000;
    return {
      status: "completed",
      output: { text: JSON.stringify({ slept_for_secs, completed_at: rfc3339(at) }) },
      gate: ({ trigger }) => {
        if (trigger) Object.assign(trigger, { status: "received", received_at: at });
      },
    };
  },
  close: closeTrigger,

  rows: (of) => ({ trigger: triggerRow(of, "sleep", ownKey("sleep", of.plan.run.id, of.definition.step_ref)) }),

  commands: {},
  gates: () => [],

  *lacks(input) {
    if (!((input.sleep_duration_secs ?? 0) > 0))
      yield fault("sleep_duration_secs", "sleep steps require sleep_duration_secs > 0");
  },
  faults: (input) => atLeastZero(input, "sleep_duration_secs"),
} satisfies StepKind;

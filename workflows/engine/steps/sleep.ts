import type { StepKind } from "./kind.ts";
import { rfc3339 } from "../time.ts";

/** A durable timer. */
export const sleep: StepKind = {
  open: "waiting",
  begin({ definition, at }, step) {
    const expires_at = at + (definition.sleep_duration_secs ?? 0) * 1000;
    step.deadline = expires_at;
    step.trigger = { status: "waiting", requested_at: at, expires_at };
  },
  work: () => [],
  onDeadline(_definition, step, at) {
    const slept_for_secs = (Math.floor(at) - Math.floor(step.started_at ?? at)) / 1000;
    return {
      status: "completed",
      output: { text: JSON.stringify({ slept_for_secs, completed_at: rfc3339(at) }) },
      gate: ({ trigger }) => {
        if (trigger) Object.assign(trigger, { status: "received", received_at: at });
      },
    };
  },
};

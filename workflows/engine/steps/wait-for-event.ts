import type { StepKind } from "./kind.ts";

const DEFAULT_TIMEOUT_SECS = 3600;

/** Waits until its key is sent. The key is rendered and registered by an activity. */
export const waitForEvent: StepKind = {
  open: "waiting",
  begin({ definition, at }, step) {
    const expires_at = at + (definition.event_timeout_secs || DEFAULT_TIMEOUT_SECS) * 1000;
    step.deadline = expires_at;
    step.trigger = { status: "waiting", requested_at: at, expires_at };
  },
  work(_plan, _i, step) {
    return step.trigger?.event_key === undefined ? [{ kind: "open-wait", key: `open-wait/${step.generation}` }] : [];
  },
  onDeadline: () => ({
    status: "failed",
    error: "event trigger timed out",
    gate: ({ trigger }) => {
      if (trigger) Object.assign(trigger, { status: "timed_out", error: "event trigger timed out" });
    },
  }),
};

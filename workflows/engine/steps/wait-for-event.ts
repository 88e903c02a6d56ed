import type { StepKind } from "./kind.ts";

const DEFAULT_TIMEOUT_SECS = 3600;

/** Waits until its key is sent. The key is rendered and registered by an activity. */
export const waitForEvent: StepKind = {
  open: "waiting",
  begin({ plan, definition: { event_timeout_secs }, at }, step) {
    // Before rules 1, a 0 was taken for none given; now it is no end.
    const isGiven = event_timeout_secs !== undefined && (event_timeout_secs > 0 || (plan.run.rules ?? 0) >= 1);
    const secs = isGiven ? event_timeout_secs : DEFAULT_TIMEOUT_SECS;
    const expires_at = secs > 0 ? at + secs * 1000 : undefined;
    step.deadline = expires_at;
    step.trigger = { status: "waiting", requested_at: at, expires_at };
  },
  work(_plan, _i, { trigger, generation }) {
    if (trigger?.event_key === undefined) return [{ kind: "open-wait", key: `open-wait/${generation}` }];
    return trigger.notify_status === "pending" ? [{ kind: "notify", key: `notify/${generation}` }] : [];
  },
  onDeadline: () => ({
    status: "failed",
    error: "event trigger timed out",
    gate: ({ trigger }) => {
      if (trigger) Object.assign(trigger, { status: "timed_out", error: "event trigger timed out" });
    },
  }),
};

import { type Refusal, refused } from "../command.ts";
import { atLeastZero, fault } from "./fault.ts";
import type { StepKind, StepOf } from "./kind.ts";
import { closeTrigger, openTrigger, triggerRow } from "./trigger.ts";
import { isWebUrl } from "./web-url.ts";

const DEFAULT_TIMEOUT_SECS = 3600;
const MAX_URL = 2048;

/** Waits until its key is sent. The key is rendered and registered by an activity. */
export const waitForEvent = {
  open: "waiting",
  emits: true,
  begin({ plan, definition: { event_timeout_secs }, step }, at) {
    // Before rules 1, a 0 was taken for none given; now it is no end.
    const isGiven = event_timeout_secs !== undefined && (event_timeout_secs > 0 || (plan.run.rules ?? 0) >= 1);
    const secs = isGiven ? event_timeout_secs : DEFAULT_TIMEOUT_SECS;
    openTrigger(step, at, secs > 0 ? at + secs * 1000 : undefined);
  },
  work({ step: { trigger, generation } }) {
    if (trigger?.event_key === undefined) return [{ kind: "open-wait", key: `open-wait/${generation}` }];
    return trigger.notify_status === "pending" ? [{ kind: "notify", key: `notify/${generation}` }] : [];
  },
  waits: ({ step: { trigger, deadline } }) => ({ reason: "event", event_key: trigger?.event_key, until: deadline }),
  onDeadline: () => ({
    status: "failed",
    error: "event trigger timed out",
    gate: ({ trigger }) => {
      if (trigger) Object.assign(trigger, { status: "timed_out", error: "event trigger timed out" });
    },
  }),
  close: closeTrigger,

  rows: (of) => ({ trigger: triggerRow(of, "wait_for_event", of.step.trigger?.event_key) }),
  // Whoever sees that a wait has started may send to it: so it shows no start before its key is registered.
  showsStart: ({ status, trigger }) => status !== "waiting" || trigger === undefined || trigger.event_key !== undefined,

  commands: {
    "send-event"(of, { actor, at, result, event_key = of.step.trigger?.event_key }) {
      if (!isWaiting(of, event_key)) return notWaiting();
      const received = { status: "received", event_key, received_at: at, sent_by: actor, response_payload: result };
      return {
        status: "completed",
        output: result,
        gate: ({ trigger }) => {
          if (trigger) Object.assign(trigger, received);
        },
      };
    },

    "cancel-event"(of, { event_key = of.step.trigger?.event_key }) {
      if (!isWaiting(of, event_key)) return notWaiting();
      return {
        status: "failed",
        error: "event trigger canceled by user",
        gate: ({ trigger }) => {
          if (trigger) Object.assign(trigger, { status: "canceled", event_key, error: "canceled by user" });
        },
      };
    },
  },
  eventVerb: "send-event",
  gates: () => [],

  *lacks(input) {
    if (!input.event_key) yield fault("event_key", "wait_for_event steps require event_key");
  },
  *faults(input) {
    yield* atLeastZero(input, "event_timeout_secs");
    const { event_notify_url: url } = input;
    if (url && (url.length > MAX_URL || !isWebUrl(url)))
      yield fault("event_notify_url", "event_notify_url must be an http or https URL");
  },
} satisfies StepKind;

function isWaiting({ definition, step: { status, trigger } }: StepOf, eventKey: string | undefined): boolean {
  // A caller may know the key of an earlier generation of the step, or this one's key before the run does.
  const isItsKey = trigger?.event_key === undefined || trigger.event_key === eventKey;
  return definition.step_type === "wait_for_event" && status === "waiting" && trigger?.status === "waiting" && isItsKey;
}

const notWaiting = (): Refusal => refused("conflict", "event trigger is not in waiting state");

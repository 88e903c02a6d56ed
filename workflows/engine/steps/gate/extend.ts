import { refused } from "../../command.ts";
import type { ApprovalState } from "../../state.ts";
import { epochMs, rfc3339 } from "../../time.ts";
import { nextMoment } from "./times.ts";
import type { StepCommand } from "../kind.ts";
import { notOpen } from "./decisions.ts";
import { mayNotChange } from "./reassign.ts";

/** They travel with the run. */
const MOST_EXTENSIONS = 20;
/** What a definition's timeout may be, too. */
const FURTHEST_MS = 2_147_483_647_000;

const RFC3339 = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$/;

/** An earlier deadline would be a way past a gate that its timeout lets pass. */
export const extend: StepCommand = (of, command, whoIsInvolved) => {
  const closed = notOpen(of);
  if (closed) return closed;
  const refusal = mayNotChange("extend", of, command, whoIsInvolved());
  if (refusal) return refusal;
  const { definition, step } = of;
  const { expires_at, extensions = [] } = step.approval as ApprovalState;
  const { actor, at, reason } = command;
  if (expires_at === undefined) return refused("invalid_state", `step ${definition.step_ref} has no deadline`);
  const until = RFC3339.test(command.until ?? "") ? epochMs(command.until ?? "") : Number.NaN;
  if (Number.isNaN(until)) return refused("validation_error", "until must be a valid RFC3339 timestamp");
  if (until <= at) return refused("validation_error", "until must be in the future");
  if (until <= expires_at)
    return refused("validation_error", `until must be later than the deadline, ${rfc3339(expires_at)}`);
  if (until > at + FURTHEST_MS) return refused("validation_error", "until must be within 68 years");
  if (extensions.length >= MOST_EXTENSIONS)
    return refused("conflict", `step ${definition.step_ref} was extended ${MOST_EXTENSIONS} times already`);
  return {
    status: "changed",
    gate: (step) => {
      const { approval, trigger } = step;
      if (!approval) return;
      approval.expires_at = until;
      approval.extensions = [...extensions, { actor, at, until, reason }];
      if (trigger) trigger.expires_at = until;
      step.deadline = nextMoment(definition, approval, at);
    },
  };
};

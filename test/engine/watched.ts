import assert from "node:assert/strict";
import type { RunStatus, StepStatus } from "../../src/contract/runs.ts";
import type { Run } from "../../workflows/engine/run.ts";
import type { StepState } from "../../workflows/engine/state.ts";
import { RUN_TRANSITIONS, STEP_TRANSITIONS } from "../../workflows/engine/transitions.ts";

/** Makes a run complain about every change of a status, its own or a step's, that the tables don't have. */
export function watched(run: Run): Run {
  const { state } = run;
  state.steps = state.steps.map((step) => watch<StepStatus, StepState>(step, STEP_TRANSITIONS));
  run.state = watch<RunStatus, Run["state"]>(state, RUN_TRANSITIONS);
  return run;
}

function watch<Status extends string, Holder extends { status: Status }>(
  holder: Holder,
  table: Record<Status, readonly Status[]>,
): Holder {
  let last = holder.status;
  return new Proxy(holder, {
    set(target, member, value) {
      if (member === "status" && value !== last) {
        assert(table[last].includes(value as Status), `no transition from ${last} to ${value}`);
        last = value as Status;
      }
      return Reflect.set(target, member, value);
    },
  });
}

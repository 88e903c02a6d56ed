import type { WorkflowInterceptors } from "@temporalio/workflow";
import type { RunHeader } from "../engine/plan.ts";
import { microseconds } from "../engine/time.ts";

let now = 0;

/** The workflow's clock with all the digits that Temporal has: Date.now() is cut to milliseconds. */
export const preciseNow = (): number => now;

/** Histories from before it was read have times in milliseconds. */
export const nowOf = ({ rules = 0 }: RunHeader): number => (rules >= 1 ? preciseNow() : Date.now());

export const interceptors = (): WorkflowInterceptors => ({
  internals: [
    {
      activate(input, next) {
        const { seconds, nanos } = input.activation.timestamp ?? {};
        // One with nothing but a query has none.
        if (seconds) now = microseconds(Number(`${seconds}`) * 1000 + Math.floor((nanos ?? 0) / 1000) / 1000);
        next(input);
      },
    },
  ],
});

import { CancellationScope, isCancellation, sleep } from "@temporalio/workflow";
import type { InboundEvent } from "../../engine/events.ts";
import type { Run } from "../../engine/run.ts";
import { isRunOver } from "../../engine/transitions.ts";
import { nowOf } from "../clock.ts";

/** The timer of a run's time limit, which a recovery may move. */
export class RunTimeout {
  #timer: { at: number; scope: CancellationScope } | undefined;

  reconcile({ plan, state: { status, expires_at } }: Run, inbox: InboundEvent[]): void {
    const due = isRunOver(status) ? undefined : expires_at;
    if (this.#timer?.at === due) return;
    this.#timer?.scope.cancel();
    this.#timer = undefined;
    if (due === undefined) return;
    const scope = new CancellationScope();
    this.#timer = { at: due, scope };
    scope
      .run(() => sleep(Math.max(1, Math.ceil(due - nowOf(plan.run))), { summary: "run timeout" }))
      .then(
        () => void inbox.push({ type: "run_expired", due }),
        (error) => {
          if (!isCancellation(error)) throw error;
        },
      );
  }
}

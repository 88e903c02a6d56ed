import { CancellationScope } from "@temporalio/workflow";
import type { InboundEvent } from "../../engine/events.ts";
import type { Run } from "../../engine/run.ts";
import { isRunOver } from "../../engine/transitions.ts";
import { ignoreCancellation, sleepUntil } from "../sleep-until.ts";

/** The timer of a run's time limit, which a recovery may move. */
export class RunTimeout {
  #timer: { at: number; scope: CancellationScope } | undefined;

  reconcile(run: Run, inbox: InboundEvent[]): void {
    const { status, expires_at } = run.state;
    const due = isRunOver(status) ? undefined : expires_at;
    if (this.#timer?.at === due) return;
    this.#timer?.scope.cancel();
    this.#timer = undefined;
    if (due === undefined) return;
    const scope = new CancellationScope();
    this.#timer = { at: due, scope };
    scope
      .run(() => sleepUntil(run, due, "run timeout"))
      .then(() => void inbox.push({ type: "run_expired", due }), ignoreCancellation);
  }
}

import { WorkflowNotFoundError } from "@temporalio/client";
import type { Deps } from "../../deps.ts";
import { type HeldEvent, withdrawOffer } from "../../store/events/held-events.ts";
import { commandSignals } from "../../../workflows/messages.ts";

/** Sends the event to the run that it is offered to. Told again, the run hears it once. One that has closed is offered nothing. */
export async function tellOfOffer(deps: Deps, event: HeldEvent): Promise<void> {
  const { run_id = "", command_id: id, sent_by: actor, step_ref, event_key, payload: result } = event;
  try {
    const run = deps.temporal.workflow.getHandle(run_id);
    await run.signal(commandSignals["send-event"], { id, actor, step_ref, event_key, result });
  } catch (error) {
    if (!(error instanceof WorkflowNotFoundError)) throw error;
    await withdrawOffer(deps.db, event);
  }
}

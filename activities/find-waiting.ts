import { renderKey } from "./render.ts";
import type { Deps } from "../src/deps.ts";
import { eventKeyProblem } from "../src/rules/event-key.ts";
import { findWaitingEventTrigger } from "../src/store/event-triggers.ts";
import type { Activities } from "../workflows/activity-types.ts";
import { reservedKeyProblem } from "../workflows/engine/steps/event-keys.ts";
import { commandSignals } from "../workflows/messages.ts";
import { TemplateError } from "../workflows/expressions/templates.ts";

export function findWaiting({ db, temporal, log }: Deps): Activities["findWaiting"] {
  return async ({ event_emit_key, sources, own, step }) => {
    // Nobody else would know that the step has told nobody. The key may hold what the run was given, and is not logged.
    const lost = (reason: string) => {
      log.info({ run: sources.run_id, step, reason }, "emitted event reached nobody");
      return null;
    };
    try {
      const key = await renderKey(db, event_emit_key, sources);
      // Somebody may wait for such a key since before they were reserved: a step does not send to it.
      const problem = eventKeyProblem(key) ?? reservedKeyProblem(key);
      if (problem !== undefined) return lost(problem);
      const trigger = await findWaitingEventTrigger(db, sources.project_id, key);
      // An approval needs its approver and a sleep its time. A step's output does not stand for those.
      if (trigger?.source !== "wait_for_event") return lost("no step waits for its key");
      const { run_id, step_ref } = trigger;
      if (run_id !== sources.run_id || !own) return { run_id, step_ref, event_key: key };
      const command = { ...own, step_ref, event_key: key };
      await temporal.workflow.getHandle(run_id).signal(commandSignals["send-event"], command);
      return null;
    } catch (error) {
      // Nobody waits for a key that can't be rendered.
      if (error instanceof TemplateError) return lost(error.message);
      throw error;
    }
  };
}

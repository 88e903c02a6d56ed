import type { InjectedSinks, WorkflowBundleOption } from "@temporalio/worker";
import type { Divergence, History } from "./divergence.ts";
import { otherwiseScheduled, recordingWorker, type ScheduledActivities } from "./scheduled-activities.ts";
import { dataConverter } from "../temporal/payload-codec.ts";
import type { RunSinks } from "../../workflows/messages.ts";

/** A replay tells nobody anything. */
const sinks: InjectedSinks<RunSinks> = { bestEffortMirror: { write: { fn: () => {} } } };

/** Replays a history. Undefined: today's workflows decide as those that recorded it. */
export async function replayHistory(
  workflowBundle: WorkflowBundleOption,
  history: History,
): Promise<Divergence | undefined> {
  const events = history.events ?? [];
  const workflowId = "replayed";
  const replayed = new Map<string, ScheduledActivities>();
  const failure = async (
    length: number,
    into = new Map<string, ScheduledActivities>(),
  ): Promise<string | undefined> => {
    const cut = { workflowId, history: { events: events.slice(0, length) } };
    const replay = recordingWorker(into).runReplayHistories({ workflowBundle, dataConverter, sinks }, [cut]);
    for await (const { error } of replay) if (error) return reasonOf(error);
    return undefined;
  };
  const message = await failure(events.length, replayed);
  const scheduled = replayed.get(workflowId);
  const otherwise = scheduled && otherwiseScheduled(history, scheduled);
  if (message === undefined) return otherwise;
  // Few messages tell the event. It is the last one of the shortest beginning that can't be replayed.
  let [replays, diverges] = [0, events.length];
  while (diverges - replays > 1) {
    const middle = (replays + diverges) >> 1;
    if ((await failure(middle)) === undefined) replays = middle;
    else diverges = middle;
  }
  return otherwise && otherwise.event < diverges ? otherwise : { event: diverges, message };
}

/** What went wrong, out of the Rust debug text that the SDK wraps it in. */
function reasonOf({ message }: Error): string {
  const [, reason] = /Failure \{ message: "((?:[^"\\]|\\.)*)"/.exec(message) ?? [];
  return reason?.replace(/^\[TMPRL\d+\] /, "") ?? message;
}

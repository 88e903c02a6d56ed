import type { InjectedSinks, WorkflowBundleOption } from "@temporalio/worker";
import type { Divergence, History } from "./divergence.ts";
import { otherwiseScheduled, recordingWorker, type ScheduledActivities } from "./scheduled-activities.ts";
import { dataConverter } from "../temporal/payload-codec.ts";
import { reasonToldByCore } from "../temporal/core-failure.ts";
import type { RunSinks } from "../../workflows/messages.ts";

/** A replay tells nobody anything. */
const sinks: InjectedSinks<RunSinks> = { bestEffortMirror: { write: { fn: () => {} } } };

/** Replays a history. Undefined: today's workflows decide as those that recorded it. */
export const replayHistory = async (bundle: WorkflowBundleOption, history: History): Promise<Divergence | undefined> =>
  (await replayHistories(bundle, [history]))[0];

/** The same of several, in their order. One worker replays them all: to make one takes longer than most replays. */
export async function replayHistories(
  bundle: WorkflowBundleOption,
  histories: History[],
): Promise<(Divergence | undefined)[]> {
  const replayed = new Map<string, ScheduledActivities>();
  const failures = await failuresOf(bundle, histories, replayed);
  const divergences: (Divergence | undefined)[] = [];
  for (const [i, history] of histories.entries()) {
    const scheduled = replayed.get(nameOf(i));
    const otherwise = scheduled && otherwiseScheduled(history, scheduled);
    const message = failures[i];
    if (message === undefined) divergences.push(otherwise);
    else {
      const event = await divergingEvent(bundle, history);
      divergences.push(otherwise && otherwise.event < event ? otherwise : { event, message });
    }
  }
  return divergences;
}

const nameOf = (i: number): string => `replayed-${i}`;

async function failuresOf(
  workflowBundle: WorkflowBundleOption,
  histories: History[],
  into = new Map<string, ScheduledActivities>(),
): Promise<(string | undefined)[]> {
  const named = histories.map((history, i) => ({ workflowId: nameOf(i), history }));
  const replay = recordingWorker(into).runReplayHistories({ workflowBundle, dataConverter, sinks }, named);
  const failures: (string | undefined)[] = [];
  for await (const { error } of replay) failures.push(error && reasonOf(error));
  return failures;
}

/** Few messages tell the event. It is the last one of the shortest beginning that can't be replayed. */
async function divergingEvent(bundle: WorkflowBundleOption, { events }: History): Promise<number> {
  const all = events ?? [];
  let [replays, diverges] = [0, all.length];
  while (diverges - replays > 1) {
    const middle = (replays + diverges) >> 1;
    const [failure] = await failuresOf(bundle, [{ events: all.slice(0, middle) }]);
    if (failure === undefined) replays = middle;
    else diverges = middle;
  }
  return diverges;
}

/** What went wrong, out of the Rust debug text that the SDK wraps it in. */
function reasonOf({ message }: Error): string {
  return reasonToldByCore(message)?.replace(/^\[TMPRL\d+\] /, "") ?? message;
}

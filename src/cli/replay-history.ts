import { type InjectedSinks, Worker, type WorkflowBundleOption } from "@temporalio/worker";
import type proto from "@temporalio/proto";
import { dataConverter } from "../temporal/payload-codec.ts";
import type { Passing } from "../../workflows/messages.ts";

export type History = proto.temporal.api.history.v1.IHistory;

/** Where today's workflows decide otherwise than those that recorded a history: the event that they do not lead to, and why not. */
export interface Divergence {
  event: number;
  message: string;
}

/** A replay tells nobody anything. */
const sinks: InjectedSinks<Passing> = { passing: { mirror: { fn: () => {} } } };

/** Replays a history. Undefined: today's workflows decide as those that recorded it. */
export async function replayHistory(
  workflowBundle: WorkflowBundleOption,
  history: History,
): Promise<Divergence | undefined> {
  const events = history.events ?? [];
  const failure = async (length: number): Promise<string | undefined> => {
    const cut = { workflowId: "replayed", history: { events: events.slice(0, length) } };
    for await (const { error } of Worker.runReplayHistories({ workflowBundle, dataConverter, sinks }, [cut]))
      if (error) return reasonOf(error);
    return undefined;
  };
  const message = await failure(events.length);
  if (message === undefined) return undefined;
  // Few messages tell the event. It is the last one of the shortest beginning that can't be replayed.
  let [replays, diverges] = [0, events.length];
  while (diverges - replays > 1) {
    const middle = (replays + diverges) >> 1;
    if ((await failure(middle)) === undefined) replays = middle;
    else diverges = middle;
  }
  return { event: diverges, message };
}

/** What went wrong, out of the Rust debug text that the SDK wraps it in. */
function reasonOf({ message }: Error): string {
  const [, reason] = /Failure \{ message: "((?:[^"\\]|\\.)*)"/.exec(message) ?? [];
  return reason?.replace(/^\[TMPRL\d+\] /, "") ?? message;
}

import { channel } from "node:diagnostics_channel";
import type { Played } from "../workflows/activity-types.ts";
import type { MirrorRows } from "../workflows/engine/mirror/rows.ts";
import type { FailureClass } from "../workflows/failure-classes.ts";

/** What passes at a few places is told to whoever listens in this process. While nobody does, that costs nothing. */
interface Topic<Told> {
  publish(told: Told): void;
  subscribe(listener: (told: Told) => void): void;
}

function topic<Told>(name: string): Topic<Told> {
  const all = channel(`workflow-runs:${name}`);
  return {
    publish: (told) => all.publish(told),
    subscribe: (listener) => all.subscribe((told) => listener(told as Told)),
  };
}

/** A request was answered. Without a route it was for none. */
export const requests = topic<{ method: string; route?: string; status: number; ms: number }>("request");

/** A command has its outcome: that of its line in the log. */
export const commands = topic<{ verb: string; outcome: string }>("command");

/** A run was accepted, however long it will wait until it begins. */
export const triggers = topic<{ project: string }>("trigger");

/** What one statement has written of some runs. */
export const mirrorWrites = topic<MirrorRows[]>("mirror-write");

/** An attempt of a job has ended, in whichever lane. */
export const attempts = topic<{ result: "ok" | FailureClass; ms: number }>("attempt");

/** A run was played ahead. */
export const plays = topic<Played>("play");

/** An attempt began as an activity of its own, or was handed over to one. */
export const dispatches = topic<object>("dispatch");

/** Spans that the collector has taken; that it has not, and that are sent again; that are lost. */
export const spans = topic<{ outcome: "exported" | "failed" | "dropped"; count: number }>("spans");

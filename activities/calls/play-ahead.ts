import { WaitingCommands } from "./pending-commands.ts";
import { type Lane, Playback } from "./playback.ts";
import type { Notifications } from "../../src/store/postgres/notifications.ts";
import { plays } from "../../src/topics.ts";
import type { Activities, DispatchInput, Unended } from "../../workflows/activity-types.ts";
import { AHEAD_MS, INTERRUPTED_MS } from "../../workflows/timing.ts";

interface PlayAhead extends Lane {
  learn(runId: string, inputs: DispatchInput[], played?: boolean): Promise<void>;
  notices: Pick<Notifications, "onCommand">;
}

/** A copy of the run is played on by the run's own rules, outside of the sandbox: the workflow then only repeats what happened. */
export function playAhead({ notices, learn, ...lane }: PlayAhead): Activities["playAhead"] {
  const commands = new WaitingCommands(notices);
  return async (input) => {
    const { run, begin, acknowledged, fresh, replayed } = input;
    const isInterrupted = () => commands.has(run.id, acknowledged);
    const deferred = (steps: number[]): Unended[] => steps.map((step) => ({ kind: "deferred", step }));
    if (isInterrupted() && !replayed) return { events: [], interrupted: [], unended: deferred(begin) };
    const playback = new Playback(input, lane);
    // Of a task that is the run's first try at its first steps, nothing can have been lost.
    if (!fresh) await learn(run.id, playback.inputsOf(begin), replayed);
    if (isInterrupted()) {
      // What a lost try has called, the run would not be told of again.
      const made = begin.filter((step) => playback.isMade(step));
      playback.interrupt();
      const played = await playback.play(made, AbortSignal.timeout(INTERRUPTED_MS));
      return { ...played, unended: [...played.unended, ...deferred(begin.filter((step) => !made.includes(step)))] };
    }
    const enough = new AbortController();
    const endAfter = (ms: number) => setTimeout(() => enough.abort(), ms).unref();
    endAfter(AHEAD_MS);
    commands.next(run.id, acknowledged, enough.signal).then(
      () => {
        playback.interrupt();
        endAfter(INTERRUPTED_MS);
      },
      () => {},
    );
    try {
      const played = await playback.play(begin, enough.signal);
      plays.publish(played);
      return played;
    } finally {
      enough.abort();
    }
  };
}

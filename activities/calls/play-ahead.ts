import { WaitingCommands } from "./pending-commands.ts";
import { type Lane, Playback } from "./playback.ts";
import type { Notifications } from "../../src/store/postgres/notifications.ts";
import { plays } from "../../src/topics.ts";
import type { Activities, DispatchInput } from "../../workflows/activity-types.ts";
import { AHEAD_MS, INTERRUPTED_MS } from "../../workflows/timing.ts";

interface PlayAhead extends Lane {
  learn(runId: string, inputs: DispatchInput[]): Promise<void>;
  notices: Pick<Notifications, "onCommand">;
}

/** A copy of the run is played on by the run's own rules, outside of the sandbox: the workflow then only repeats what happened. */
export function playAhead({ notices, learn, ...lane }: PlayAhead): Activities["playAhead"] {
  const commands = new WaitingCommands(notices);
  return async (input) => {
    const { run, begin, acknowledged } = input;
    if (commands.has(run.id, acknowledged))
      return { events: [], interrupted: [], unended: begin.map((step) => ({ kind: "deferred", step })) };
    const playback = new Playback(input, lane);
    // Of a task that is the run's first try at its first steps, nothing can have been lost.
    if (!input.fresh) await learn(run.id, playback.inputsOf(begin));
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

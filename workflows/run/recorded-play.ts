import type { Played, TimedAttemptEvent, Unended } from "../activity-types.ts";

/** As older histories hold it. */
interface EarlierPlayed {
  events: TimedAttemptEvent[];
  called?: TimedAttemptEvent[];
  going: EarlierUnended[];
}

interface EarlierUnended {
  step: number;
  queue?: string | null;
  slow?: boolean;
  anywhere?: true;
  later?: true;
}

export type RecordedPlay = Played | EarlierPlayed;

/** What a play came to, in whichever form it was recorded. */
export function playedOf(recorded: RecordedPlay): Played {
  if ("unended" in recorded) return recorded;
  const { events, called, going } = recorded;
  return { events, interrupted: called, unended: going.map(unendedOf) };
}

function unendedOf({ step, queue, slow, anywhere, later }: EarlierUnended): Unended {
  if (later) return { kind: "deferred", step };
  if (queue === undefined || queue === null) return { kind: "anywhere", step };
  if (slow) return { kind: anywhere ? "slow-elsewhere" : "slow-here", step, queue };
  return anywhere ? { kind: "anywhere", step } : { kind: "here", step, queue };
}

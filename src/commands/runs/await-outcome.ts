import type { Deps } from "../../deps.ts";
import { isOutage } from "../../outage.ts";

/** After so long without news of the run, the run itself is asked: too early only makes more work for workers that are behind. */
const PATIENCE_MS = 2_000;

/** `send` tells the run, `look` looks in the mirror for what came of it, and `ask` asks the run itself. */
interface Awaited<Outcome> {
  send: () => Promise<void>;
  look: () => Promise<Outcome | undefined>;
  ask: () => Promise<Outcome | undefined>;
}

/** What comes of a command. Undefined: Temporal has it, so that it will take effect, and nobody could say yet what came of it. */
export async function outcomeOf<Outcome>(
  deps: Deps,
  runId: string,
  { send, look, ask }: Awaited<Outcome>,
): Promise<Outcome | undefined> {
  let isStored = false;
  const store = async () => {
    await send();
    isStored = true;
  };
  try {
    return (await mirroredAfter(deps, runId, store, look)) ?? (await ask());
  } catch (error) {
    if (isStored && isOutage(error)) return undefined;
    throw error;
  }
}

/**
 * What the mirror says of a run once it has heard what `send` tells the run. The run mirrors that in the same workflow
 * task, so it is here before a query could be answered, and a run that has ended need not be woken for it. Undefined:
 * the mirror is behind, or no worker is there.
 */
async function mirroredAfter<Found>(
  { notifications }: Deps,
  runId: string,
  send: () => Promise<void>,
  look: () => Promise<Found | undefined>,
): Promise<Found | undefined> {
  const enough = AbortSignal.timeout(PATIENCE_MS);
  let news = notifications.newsOf(runId, enough);
  await send();
  while (await news) {
    news = notifications.newsOf(runId, enough);
    const found = await look();
    if (found) return found;
  }
  return undefined;
}

import type { Deps } from "../../deps.ts";
import { isOutage } from "../../outage.ts";
import { OUTCOME_MIRRORED_MS } from "../../../workflows/timing.ts";

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
  { notices }: Deps,
  runId: string,
  send: () => Promise<void>,
  look: () => Promise<Found | undefined>,
): Promise<Found | undefined> {
  const enough = AbortSignal.timeout(OUTCOME_MIRRORED_MS);
  let news = notices.newsOf(runId, enough);
  await send();
  while (await news) {
    news = notices.newsOf(runId, enough);
    const found = await look();
    if (found) return found;
  }
  return undefined;
}

import type { Deps } from "../../deps.ts";
import { isOutage } from "../../outage.ts";
import { lookedFor } from "../../temporal/in-time.ts";
import { OUTCOME_MIRRORED_MS } from "../../../workflows/timing.ts";

/**
 * `send` sends the command, or answers its outcome where that turns out to be known already. `look` looks for the outcome in the
 * mirror, and `ask` asks the run for it.
 */
interface Awaited<Outcome> {
  send: () => Promise<Outcome | undefined>;
  look: () => Promise<Outcome | undefined>;
  ask: () => Promise<Outcome | undefined>;
}

/** The outcome of a command. Undefined: Temporal has the command, so it takes effect, but the outcome is not known yet. */
export async function outcomeOf<Outcome>(
  deps: Deps,
  runId: string,
  { send, look, ask }: Awaited<Outcome>,
): Promise<Outcome | undefined> {
  let isStored = false;
  const store = async () => {
    const known = await send();
    isStored = true;
    return known;
  };
  try {
    return (await mirroredAfter(deps, runId, store, look)) ?? (await lookedFor(ask()));
  } catch (error) {
    if (isStored && isOutage(error)) return undefined;
    throw error;
  }
}

/** The run itself may tell what a Postgres that is locked or hangs does not. */
function missed(error: unknown): undefined {
  if (!isOutage(error)) throw error;
}

/**
 * The outcome as the run mirrors it. The run does so in the workflow task in which it takes the command, so the mirror has it before
 * a query could be answered, and a run that ends need not be woken up for a query. Undefined: the mirror is behind, or there is no
 * worker.
 */
async function mirroredAfter<Found>(
  { notifications }: Deps,
  runId: string,
  send: () => Promise<Found | undefined>,
  look: () => Promise<Found | undefined>,
): Promise<Found | undefined> {
  const enough = AbortSignal.timeout(OUTCOME_MIRRORED_MS);
  let news = notifications.newsOf(runId, enough);
  const known = await send();
  if (known) return known;
  while (await news) {
    news = notifications.newsOf(runId, enough);
    const found = await lookedFor(look(), OUTCOME_MIRRORED_MS).catch(missed);
    if (found) return found;
  }
  return undefined;
}

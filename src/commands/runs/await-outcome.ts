import type { Deps } from "../../deps.ts";

/** After so long without news of the run, the run itself is asked: too early only makes more work for workers that are behind. */
const PATIENCE_MS = 2_000;

/**
 * What the mirror says of a run once it has heard what `send` tells the run. The run mirrors that in the same workflow
 * task, so it is here before a query could be answered, and a run that has ended need not be woken for it. Undefined:
 * the mirror is behind, or no worker is there.
 */
export async function mirroredAfter<Found>(
  { notices }: Deps,
  runId: string,
  send: () => Promise<void>,
  look: () => Promise<Found | undefined>,
): Promise<Found | undefined> {
  const enough = AbortSignal.timeout(PATIENCE_MS);
  let news = notices.newsOf(runId, enough);
  await send();
  while (await news) {
    news = notices.newsOf(runId, enough);
    const found = await look();
    if (found) return found;
  }
  return undefined;
}

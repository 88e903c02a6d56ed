import { setTimeout as sleep } from "node:timers/promises";

type Falsy = false | null | undefined | 0 | "";

/** On a machine that is busy with other things a second's work may take a minute: only what hangs takes so long. */
const HANGS_MS = 120_000;

/** Asks until the answer is truthy, and returns it. An error counts as a no, until time is up. */
export async function until<T>(
  ask: () => T | Promise<T>,
  { timeoutMs = HANGS_MS, everyMs = 25 }: { timeoutMs?: number; everyMs?: number } = {},
): Promise<Exclude<T, Falsy>> {
  for (const giveUp = Date.now() + timeoutMs; ; await sleep(everyMs)) {
    let last: unknown;
    try {
      const answer = await ask();
      if (answer) return answer as Exclude<T, Falsy>;
      last = answer;
    } catch (error) {
      last = error;
    }
    if (Date.now() > giveUp) throw new Error(`not so within ${timeoutMs} ms, at last ${last}: ${ask}`, { cause: last });
  }
}

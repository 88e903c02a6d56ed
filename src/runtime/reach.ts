import { setTimeout as pauseFor } from "node:timers/promises";
import type { Running } from "./process.ts";
import { ConfigError } from "../config.ts";
import { isOutage } from "../outage.ts";

/** Servers that are started beside this process may take so long to be there. */
const COMES_WITHIN_MS = 60_000;
const AGAIN_MS = 1_000;
/** The same is said again after so long. */
const SAID_EVERY_MS = 10_000;

/** A server that this process needs, and the variable that says where it is. */
export interface Server {
  name: string;
  variable: string;
  /** Without credentials. */
  at: string;
  /** In words, what no waiting helps against: it is told at once. */
  refusal?: (error: unknown) => string | undefined;
}

/** Tries until the server can be reached, and says what it waits for. Throws a ConfigError that names the variable. */
export async function reach<T>(
  { name, variable, at, refusal }: Server,
  { log, stopping }: Running,
  tryOnce: () => Promise<T>,
  withinMs = COMES_WITHIN_MS,
): Promise<T> {
  let saidAt = 0;
  for (const giveUp = Date.now() + withinMs; ; await pauseFor(AGAIN_MS, undefined, { signal: stopping })) {
    try {
      return await tryOnce();
    } catch (error) {
      const refused = refusal?.(error);
      if (refused) throw new ConfigError(refused, { cause: error });
      if (!isOutage(error)) throw error;
      const said = `${name} at ${at} (${variable}) can't be reached: ${reasonOf(error)}.`;
      if (Date.now() + AGAIN_MS > giveUp)
        throw new ConfigError(`${said} Start it, or set ${variable}.`, { cause: error });
      if (Date.now() - saidAt < SAID_EVERY_MS) continue;
      saidAt = Date.now();
      const leftSecs = Math.round((giveUp - Date.now()) / 1000);
      log?.warn(`${said} Trying again for ${leftSecs} s.`);
    }
  }
}

/** What pg and gRPC put around the reason says less than it. */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const { cause, message } = error;
  if (cause instanceof Error) return reasonOf(cause);
  // Of several addresses that were tried, each has a reason.
  const [first] = error instanceof AggregateError ? error.errors : [];
  // Of what the SDK's core prints of its errors, the innermost has the words.
  const [said = message] = [...message.matchAll(/message: "([^"\\]+)"/g)].map(([, words]) => words).reverse();
  return first ? reasonOf(first) : said.replace(/\.$/, "");
}

import { setTimeout as pauseFor } from "node:timers/promises";
import type { Running } from "./process.ts";
import { ConfigError } from "../config.ts";
import { isOutage } from "../outage.ts";

/** How long servers that are started together with this process may take. */
const COMES_WITHIN_MS = 60_000;
const AGAIN_MS = 1_000;
/** How often the same is said. */
const SAID_EVERY_MS = 10_000;

/** A server that this process needs, and the variable that says where it is. */
export interface Server {
  name: string;
  /** As /health/ready names it. */
  component: string;
  variable: string;
  /** Without credentials. */
  at: string;
  /** Says in words what waiting does not help against. Such an error is thrown at once. */
  refusal?: (error: unknown) => string | undefined;
}

/** Tries until the server can be reached, and says what it waits for. Throws a ConfigError that names the variable. */
export async function reach<T>(
  { name, component, variable, at, refusal }: Server,
  { log, stopping, waits }: Running,
  tryOnce: () => Promise<T>,
  withinMs = COMES_WITHIN_MS,
): Promise<T> {
  let saidAt = 0;
  for (const giveUp = Date.now() + withinMs; ; await pauseFor(AGAIN_MS, undefined, { signal: stopping })) {
    try {
      const reached = await tryOnce();
      if (saidAt > 0) await waits?.(undefined);
      return reached;
    } catch (error) {
      const refused = refusal?.(error);
      if (refused) throw new ConfigError(refused, { cause: error });
      if (!isOutage(error)) throw error;
      const said = `${name} at ${at} (${variable}) can't be reached: ${reasonOf(error)}.`;
      if (Date.now() + AGAIN_MS > giveUp)
        throw new ConfigError(`${said} Start it, or set ${variable}.`, { cause: error });
      await waits?.(component);
      if (Date.now() - saidAt < SAID_EVERY_MS) continue;
      saidAt = Date.now();
      const leftSecs = Math.round((giveUp - Date.now()) / 1000);
      log?.warn(`${said} Trying again for ${leftSecs} s.`);
    }
  }
}

/** The innermost reason: the words that pg, gRPC and the SDK's core put around it say less. */
export function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const { cause, message } = error;
  if (cause instanceof Error) return reasonOf(cause);
  // Node's errors of TLS have the words by themselves.
  const reason: unknown = Reflect.get(error, "reason");
  if (typeof reason === "string") return reason;
  // Several addresses were tried, and each has its reason.
  const [first] = error instanceof AggregateError ? error.errors : [];
  // The SDK's core prints its errors nested. The innermost has the words.
  const [said = message] = [...message.matchAll(/(?:message|error): "([^"\\]+)"/g)].map(([, words]) => words).reverse();
  return first ? reasonOf(first) : said.replace(/\.$/, "");
}

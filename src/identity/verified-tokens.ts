import { LRUCache } from "lru-cache";
import type { Caller } from "./caller.ts";

/** For how long a token is not verified again, even if its signing key is withdrawn. */
const REMEMBERED_MS = 10_000;
const MAX_REMEMBERED = 1_000;

/** The callers of credentials that were verified a moment ago: a client sends the same ones with every request. */
export class VerifiedTokens {
  /** By the clock that tokens are dated by. */
  readonly #callers = new LRUCache<string, Caller>({ max: MAX_REMEMBERED, perf: Date, ttlResolution: 0 });

  callerOf(authorization: string): Caller | undefined {
    return this.#callers.get(authorization);
  }

  /** `exp` is the token's own, in seconds. */
  remember(authorization: string, caller: Caller, exp: number): void {
    // The cache keeps an entry through the last millisecond of its time, in which the token is not valid any more.
    const ttl = Math.min(REMEMBERED_MS, exp * 1000 - Date.now() - 1);
    // To the cache, a time of 0 means for ever.
    if (ttl > 0) this.#callers.set(authorization, caller, { ttl });
  }
}

import type { Caller } from "./caller.ts";

/** A signing key that is withdrawn still counts for so long. */
const REMEMBERED_MS = 10_000;
const MAX_REMEMBERED = 1_000;

/** Whose the credentials are that were verified a moment ago: a client sends the same ones with every request. */
export class VerifiedTokens {
  readonly #known = new Map<string, { caller: Caller; until: number }>();

  callerOf(authorization: string): Caller | undefined {
    const known = this.#known.get(authorization);
    return known && Date.now() < known.until ? known.caller : undefined;
  }

  /** `exp` is the token's own, in seconds. */
  remember(authorization: string, caller: Caller, exp: number): void {
    if (this.#known.size >= MAX_REMEMBERED) this.#known.clear();
    this.#known.set(authorization, { caller, until: Math.min(Date.now() + REMEMBERED_MS, exp * 1000) });
  }
}

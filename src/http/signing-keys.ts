import type { GetVerificationKey } from "express-jwt";
import { createPublicKey, type KeyObject } from "node:crypto";
import { z } from "zod";
import { Problem } from "../errors.ts";

/** A key that is withdrawn still counts for so long; one that is new is known as soon as a token names it. */
const FRESH_MS = 10 * 60_000;
/** And for so long, while the issuer cannot be reached. */
const STALE_MS = 60 * 60_000;
/** How often the keys are fetched at most, whatever tokens name. */
const APART_MS = 5_000;
const WITHIN_MS = 5_000;
const MAX_BYTES = 1_048_576;

const keySet = z.object({ keys: z.array(z.looseObject({ kid: z.string().optional().catch(undefined) })).max(1_000) });

type Keys = Map<string | undefined, KeyObject>;

/**
 * The issuer's keys, by the key id that a token names. The whole set is kept, so that a token which names none of them costs the
 * others nothing: it may have the set fetched anew, but not more often than every few seconds.
 */
export function signingKeys(uri: string): GetVerificationKey {
  let known: { keys: Keys; at: number } | undefined;
  let fetched: { at: number; done: Promise<void> } | undefined;

  /** One fetch at a time. One that failed leaves what is known. */
  const refresh = (): Promise<void> => {
    if (!fetched || Date.now() - fetched.at >= APART_MS) {
      const at = Date.now();
      const done = fetchKeys(uri).then((keys) => {
        known = { keys, at };
      });
      fetched = { at, done };
    }
    return fetched.done;
  };

  return async (_request, token) => {
    const kid = token?.header.kid;
    const found = (forMs: number) => (known && Date.now() - known.at < forMs ? keyFor(known.keys, kid) : undefined);
    const key = found(FRESH_MS);
    if (key) return key;
    try {
      await refresh();
    } catch {
      if (!found(STALE_MS))
        throw new Problem("unavailable", "the signing keys of bearer tokens cannot be fetched right now");
    }
    return found(STALE_MS);
  };
}

/** A token need not name the only key there is. */
function keyFor(keys: Keys, kid: string | undefined): KeyObject | undefined {
  if (kid === undefined && keys.size === 1) return [...keys.values()][0];
  return keys.get(kid);
}

async function fetchKeys(uri: string): Promise<Keys> {
  const response = await fetch(uri, {
    signal: AbortSignal.timeout(WITHIN_MS),
    headers: { accept: "application/json" },
  });
  if (!response.ok || !response.body) throw new Error(`the key set answered ${response.status}`);
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of response.body) {
    bytes += chunk.byteLength;
    if (bytes > MAX_BYTES) throw new Error(`the key set is larger than ${MAX_BYTES} bytes`);
    chunks.push(chunk);
  }
  const { keys } = keySet.parse(JSON.parse(Buffer.concat(chunks).toString()));
  return new Map(keys.flatMap((jwk) => publicKeyOf(jwk)));
}

/** What is no public key for signatures is passed over, whatever else the issuer publishes. */
function publicKeyOf({
  kid,
  ...jwk
}: {
  kid?: string;
  use?: unknown;
  kty?: unknown;
}): [string | undefined, KeyObject][] {
  if ((jwk.use ?? "sig") !== "sig" || !["RSA", "EC"].includes(String(jwk.kty))) return [];
  try {
    return [[kid, createPublicKey({ key: jwk as never, format: "jwk" })]];
  } catch {
    return [];
  }
}

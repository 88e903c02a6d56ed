import type { GetVerificationKey } from "express-jwt";
import { createPublicKey, type KeyObject } from "node:crypto";
import { z } from "zod";
import { Problem } from "../errors.ts";

/** How long the keys count as fresh: a withdrawn key may count for so long. A new key is fetched as soon as a token names it. */
const FRESH_MS = 10 * 60_000;
/** How long they count while the issuer can't be reached. */
const STALE_MS = 60 * 60_000;
/** The shortest time between two fetches, whatever keys tokens name. */
const APART_MS = 5_000;
const WITHIN_MS = 5_000;
const MAX_BYTES = 1_048_576;

const keySet = z.object({ keys: z.array(z.looseObject({ kid: z.string().optional().catch(undefined) })).max(1_000) });

type Keys = Map<string | undefined, KeyObject>;

/**
 * The issuer's keys, by the key id that a token names. The whole set is kept. A token with an unknown key id has it fetched again, but
 * not more often than every few seconds, so such tokens do not slow down the others.
 */
export function signingKeys(uri: string): GetVerificationKey {
  let known: { keys: Keys; at: number } | undefined;
  let fetched: { at: number; done: Promise<void> } | undefined;

  /** One fetch at a time. If it fails, the known keys stay. */
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

/** If there is only one key, a token need not name it. */
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

/** An issuer may publish other keys as well. Those that are no public keys for signatures are left out. */
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

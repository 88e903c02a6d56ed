import { createHash } from "node:crypto";
import { stringifyJson } from "../../contract/json.ts";
import { Problem } from "../../errors.ts";
import { type BoundKey, claimKey, findKey } from "../../store/idempotency-keys.ts";
import type { Db } from "../../store/postgres/pool.ts";

/** A request under an Idempotency-Key. Its `body` tells a repeated request from another one under the same key. */
interface Keyed {
  projectId: string;
  operation: string;
  key: string;
  body: unknown;
  /** What is made under the key, for messages: a run, where nothing else is said. */
  makes?: string;
}

/** What the key is bound to, if it is. With another body it is a conflict, and what was made and is deleted is not found. */
export async function boundBefore(db: Db, keyed: Keyed): Promise<string | undefined> {
  const bound = await findKey(db, keyed);
  return bound && meant(keyed, hashOf(keyed), bound);
}

/** Binds the key to `id`, unless it is bound already; answers what it is bound to. What was made and is deleted is not made again. */
export async function boundTo(db: Db, keyed: Keyed, id: string): Promise<string> {
  const bodyHash = hashOf(keyed);
  return meant(keyed, bodyHash, await claimKey(db, { ...keyed, bodyHash, runId: id }));
}

function meant({ makes = "workflow run" }: Keyed, askedHash: string, bound: BoundKey): string {
  const { bodyHash, isDeleted, runId } = bound;
  if (bodyHash !== askedHash) throw usedFor("with another body");
  if (isDeleted) throw new Problem("not_found", `${makes} not found: what this idempotency key stands for is deleted`);
  return runId;
}

const hashOf = ({ body }: Keyed): string => createHash("sha256").update(stringifyJson(body)).digest("hex");

export const usedFor = (what: string) => new Problem("conflict", `idempotency key was used ${what}`);

import { createHash } from "node:crypto";
import { stringifyJson } from "../../contract/json.ts";
import { Problem } from "../../errors.ts";
import { claimKey } from "../../store/idempotency-keys.ts";
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

/** Binds the key to `id`, unless it is bound already; answers what it is bound to. With another body it is a conflict, and
 * what was made and is deleted is not made again. */
export async function boundTo(db: Db, { body, makes = "workflow run", ...keyed }: Keyed, id: string): Promise<string> {
  const bodyHash = createHash("sha256").update(stringifyJson(body)).digest("hex");
  const bound = await claimKey(db, { ...keyed, bodyHash, runId: id });
  if (bound.bodyHash !== bodyHash) throw usedFor("with another body");
  if (bound.isDeleted)
    throw new Problem("not_found", `${makes} not found: what this idempotency key stands for is deleted`);
  return bound.runId;
}

export const usedFor = (what: string) => new Problem("conflict", `idempotency key was used ${what}`);

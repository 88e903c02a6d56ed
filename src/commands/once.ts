import { createHash } from "node:crypto";
import type { Pool } from "pg";
import { v7 as uuid } from "uuid";
import { stringifyJson } from "../contract/json.ts";
import type { Deps } from "../deps.ts";
import { Problem } from "../errors.ts";
import { claimKey } from "../store/idempotency.ts";
import { findRun } from "../store/runs.ts";
import type { RunRow } from "../../workflows/engine/rows.ts";

/** What a request asks for, to tell a repeated one from another one under the same key. */
interface Asked {
  projectId: string;
  operation: string;
  body: unknown;
  idempotencyKey?: string;
}

/**
 * Makes a thing, or finds the one that the same request made before. The key is bound to the thing's id before anything
 * is started: a try that was cut off is taken up under the same id.
 */
export async function once<Row>(
  { db }: Deps,
  asked: Asked,
  find: (db: Pool, id: string) => Promise<Row | undefined>,
  make: (id: string) => Promise<Row>,
): Promise<Row> {
  const { projectId, operation, idempotencyKey: key } = asked;
  if (key === undefined) return make(uuid());
  const bodyHash = createHash("sha256").update(stringifyJson(asked.body)).digest("hex");
  const bound = await claimKey(db, { projectId, operation, key, bodyHash, runId: uuid() });
  if (bound.bodyHash !== bodyHash) throw new Problem("conflict", "idempotency key was used with another body");
  return (await find(db, bound.runId)) ?? make(bound.runId);
}

export const runOnce = (deps: Deps, asked: Asked, make: (runId: string) => Promise<RunRow>): Promise<RunRow> =>
  once(deps, asked, findRun, make);

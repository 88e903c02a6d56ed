import { createHash } from "node:crypto";
import { v7 as uuid } from "uuid";
import type { RunRow } from "../../workflows/engine/rows.ts";
import { stringifyJson } from "../contract/json.ts";
import type { Deps } from "../deps.ts";
import { Problem } from "../errors.ts";
import { claimKey } from "../store/idempotency.ts";
import { findRun } from "../store/runs.ts";

/** What a request asks for, to tell a repeated one from another one under the same key. */
interface Asked {
  projectId: string;
  operation: string;
  body: unknown;
  idempotencyKey?: string;
}

/**
 * Makes a run, or finds the one that the same request made before. The key is bound to the run's id before anything
 * is started: a try that was cut off is taken up under the same id.
 */
export async function runOnce({ db }: Deps, asked: Asked, make: (runId: string) => Promise<RunRow>): Promise<RunRow> {
  const { projectId, operation, idempotencyKey: key } = asked;
  if (key === undefined) return make(uuid());
  const bodyHash = createHash("sha256").update(stringifyJson(asked.body)).digest("hex");
  const bound = await claimKey(db, { projectId, operation, key, bodyHash, runId: uuid() });
  if (bound.bodyHash !== bodyHash) throw new Problem("conflict", "idempotency key was used with another body");
  return (await findRun(db, bound.runId)) ?? make(bound.runId);
}

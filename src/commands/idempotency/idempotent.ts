import type { Pool } from "pg";
import { v7 as uuid } from "uuid";
import { boundTo } from "./bound-key.ts";
import type { Deps } from "../../deps.ts";
import { findRun } from "../../store/runs.ts";
import type { RunRow } from "../../../workflows/engine/mirror/rows.ts";

/** A request. Its `body` tells a repeated request from another one under the same key. */
export interface KeyedRequest {
  projectId: string;
  operation: string;
  body: unknown;
  makes?: string;
  idempotencyKey?: string;
}

/**
 * Makes a thing, or finds the one that the same request made before. The key is bound to the thing's id before anything
 * is started, so that a request that was cut off is continued under the same id.
 */
export async function idempotent<Row>(
  { db }: Deps,
  asked: KeyedRequest,
  find: (db: Pool, id: string) => Promise<Row | undefined>,
  make: (id: string) => Promise<Row>,
): Promise<Row> {
  const { idempotencyKey: key, ...of } = asked;
  if (key === undefined) return make(uuid());
  const id = await boundTo(db, { ...of, key }, uuid());
  return (await find(db, id)) ?? make(id);
}

export const idempotentRun = (
  deps: Deps,
  asked: KeyedRequest,
  make: (runId: string) => Promise<RunRow>,
): Promise<RunRow> => idempotent(deps, asked, findRun, make);

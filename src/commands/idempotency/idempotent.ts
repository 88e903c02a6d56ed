import type { Pool } from "pg";
import { v7 as uuid } from "uuid";
import { boundBefore, boundTo } from "./bound-key.ts";
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

/** Makes what was asked for, under this id. */
type Make<Row> = (id: string) => Promise<Row>;

/**
 * Makes a thing, or finds the one that the same request made before, whatever `prepare`, which checks the request, would say of it
 * by now. What is refused binds no key. The key is bound to the thing's id before anything is started, so that a request that was
 * cut off is continued under the same id.
 */
export async function idempotent<Row>(
  { db }: Deps,
  asked: KeyedRequest,
  find: (db: Pool, id: string) => Promise<Row | undefined>,
  prepare: () => Promise<Make<Row>>,
): Promise<Row> {
  const { idempotencyKey: key, ...of } = asked;
  if (key === undefined) return (await prepare())(uuid());
  const before = await boundBefore(db, { ...of, key });
  const made = before && (await find(db, before));
  if (made) return made;
  const make = await prepare();
  const id = await boundTo(db, { ...of, key }, uuid());
  return (await find(db, id)) ?? make(id);
}

export const idempotentRun = (deps: Deps, asked: KeyedRequest, prepare: () => Promise<Make<RunRow>>): Promise<RunRow> =>
  idempotent(deps, asked, findRun, prepare);

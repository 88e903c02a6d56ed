import type { Cursor } from "../../contract/cursor.ts";
import { isUuid } from "./columns.ts";

/** A page of a project's list. A tag key without a value stands for any value. */
export interface ListRequest {
  project_id: string;
  tag_key?: string;
  tag_value?: string;
  cursor?: Cursor;
  limit: number;
}

const LOWEST_ID = "00000000-0000-0000-0000-000000000000";

/** The time in epoch milliseconds and the id before which a page begins. */
export function startOf({ at, id }: Cursor): [number, string] {
  return [at, id !== undefined && isUuid(id) ? id : LOWEST_ID];
}

/** The parameters of a statement that is put together: `given` makes a value the next one, and answers its place in the text. */
export function parameters() {
  const values: unknown[] = [];
  return { values, given: (value: unknown) => `$${values.push(value)}` };
}

/** Conditions: what comes after the cursor in a list that is newest first. */
export function after(cursor: Cursor | undefined, at: string, id: string, given: (value: unknown) => string): string[] {
  if (!cursor) return [];
  const [time, place] = startOf(cursor);
  return [`(${at}, ${id}) < (epoch_ms(${given(time)}), ${given(place)}::uuid)`];
}

/** $1 project, $2 tag key, $3 tag pair, $4 and $5 cursor, $6 limit. */
export function listParameters(request: ListRequest): (string | number | null)[] {
  const { project_id, tag_key, tag_value, cursor, limit } = request;
  const [at, id] = cursor ? startOf(cursor) : [null, LOWEST_ID];
  const paired = tag_key !== undefined && tag_value !== undefined;
  return [
    project_id,
    paired ? null : (tag_key ?? null),
    paired ? JSON.stringify({ [tag_key]: tag_value }) : null,
    at,
    id,
    limit,
  ];
}

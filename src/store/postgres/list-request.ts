import type { Cursor } from "../../contract/cursor.ts";
import { isUuid } from "./columns.ts";

/** One page of a project's list. A tag key alone asks for any value of it. */
export interface PageOf {
  projectId: string;
  tagKey?: string;
  tagValue?: string;
  cursor?: Cursor;
  limit: number;
}

const LOWEST_ID = "00000000-0000-0000-0000-000000000000";

/** The cursor's time in epoch milliseconds, and the id before which it begins among what has that time. */
export function startOf({ at, id }: Cursor): [number, string] {
  return [at, id !== undefined && isUuid(id) ? id : LOWEST_ID];
}

/** $1 project, $2 tag key, $3 tag pair, $4 and $5 cursor, $6 limit. */
export function pageParameters(page: PageOf): (string | number | null)[] {
  const { projectId, tagKey, tagValue, cursor, limit } = page;
  const [at, id] = cursor ? startOf(cursor) : [null, LOWEST_ID];
  const paired = tagKey !== undefined && tagValue !== undefined;
  return [
    projectId,
    paired ? null : (tagKey ?? null),
    paired ? JSON.stringify({ [tagKey]: tagValue }) : null,
    at,
    id,
    limit,
  ];
}

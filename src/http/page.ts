import { type Cursor, encodeCursor } from "../contract/cursor.ts";
import type { Answer } from "./answer.ts";

/** A list's answer (contract §1): a bare array with headers, or an envelope when asked for. `next` is the next page's cursor. */
export function pageOf(
  items: unknown[],
  next: Cursor | string | undefined,
  asked: { url: string; query: { envelope: boolean } },
): Answer {
  const cursor = typeof next === "object" ? encodeCursor(next) : next;
  const headers = {
    "X-Has-More": String(cursor !== undefined),
    ...(cursor !== undefined && { "X-Next-Cursor": cursor, Link: `<${withCursor(asked.url, cursor)}>; rel="next"` }),
  };
  const body = asked.query.envelope ? { data: items, has_more: cursor !== undefined, next_cursor: cursor } : items;
  return { headers, body };
}

/** Relative, so that it is right behind any proxy. */
function withCursor(url: string, cursor: string): string {
  const next = new URL(url, "http://localhost");
  next.searchParams.set("cursor", cursor);
  return next.pathname + next.search;
}

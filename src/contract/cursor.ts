import { z } from "zod";

/** A place in a list ordered by (created_at, id), newest first. Without an id: everything strictly older. Epoch milliseconds, with decimals. */
export interface Cursor {
  at: number;
  id?: string;
}

export const encodeCursor = (cursor: Cursor): string =>
  Buffer.from(`${cursor.at} ${cursor.id ?? ""}`).toString("base64url");

/** Reads a cursor of ours, or a bare RFC3339 time. */
export function decodeCursor(text: string): Cursor | undefined {
  if (z.iso.datetime({ offset: true }).safeParse(text).success) {
    const [, fraction = ""] = /\.(\d+)/.exec(text) ?? [];
    // Rows have microseconds. A cursor with more digits is rounded up, so that a row of that microsecond counts as older.
    const withinMicrosecond = /[1-9]/.test(fraction.slice(6)) ? 1 : 0;
    const micros = Number(fraction.slice(3, 6).padEnd(3, "0")) + withinMicrosecond;
    return { at: Date.parse(text) + micros / 1000 };
  }
  const [, at, id] =
    /^(\d{1,15}(?:\.\d{1,3})?) ([0-9a-f-]{0,36})$/.exec(Buffer.from(text, "base64url").toString()) ?? [];
  return at === undefined ? undefined : { at: Number(at), ...(id && { id }) };
}

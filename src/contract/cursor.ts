import { z } from "zod";

/** A place in a list ordered by (created_at, id), newest first. Without an id: everything strictly older. Epoch milliseconds. */
export interface Cursor {
  at: number;
  id?: string;
}

export const encodeCursor = (cursor: Cursor): string =>
  Buffer.from(`${cursor.at} ${cursor.id ?? ""}`).toString("base64url");

/** Reads a cursor of ours, or a bare RFC3339 time (contract §1). */
export function decodeCursor(text: string): Cursor | undefined {
  if (z.iso.datetime({ offset: true }).safeParse(text).success) {
    // Rows have milliseconds: what is within the cursor's last one is older than a cursor with more digits.
    const withinMillisecond = /\.\d{3}\d*[1-9]/.test(text) ? 1 : 0;
    return { at: Date.parse(text) + withinMillisecond };
  }
  const [, at, id] = /^(\d{1,15}) ([0-9a-f-]{0,36})$/.exec(Buffer.from(text, "base64url").toString()) ?? [];
  return at === undefined ? undefined : { at: Number(at), ...(id && { id }) };
}

import type { Cursor } from "../contract/cursor.ts";

/** A page of a list. `next` is where the next one begins, if there is more. */
export interface Page<Item, Place = Cursor> {
  items: Item[];
  next?: Place;
}

/** `read` is asked for one row more than a page has: if it is there, so is another page. */
export async function pageOf<Row, Item, Place>(
  limit: number,
  read: (most: number) => Promise<Row[]>,
  show: (row: Row) => Item,
  placeOf: (row: Row) => Place,
): Promise<Page<Item, Place>> {
  const rows = await read(limit + 1);
  const shown = rows.slice(0, limit);
  const last = shown.at(-1);
  return { items: shown.map(show), next: rows.length > limit && last ? placeOf(last) : undefined };
}

/** The place of a row in a list that is newest first. */
export const cursorOf = ({ created_at, id }: { created_at: number; id: string }): Cursor => ({ at: created_at, id });

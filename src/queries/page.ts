import type { Cursor } from "../contract/cursor.ts";

/** A page of a list. `next` is where the next one begins, if there is more. */
export interface Page<Item, Place = Cursor> {
  items: Item[];
  next?: Place;
}

export const pageOf = <Row, Item, Place>(
  limit: number,
  read: (most: number) => Promise<Row[]>,
  show: (row: Row) => Item,
  placeOf: (row: Row) => Place,
): Promise<Page<Item, Place>> => fittingPageOf(limit, read, async (rows) => rows.map(show), placeOf);

/**
 * A page that is smaller where what its rows carry is large: `show` answers as many of them, from the first one on, as one answer
 * has room for. `read` is asked for one row more than a page has: if it is there, so is another page.
 */
export async function fittingPageOf<Row, Item, Place>(
  limit: number,
  read: (most: number) => Promise<Row[]>,
  show: (rows: Row[]) => Promise<Item[]>,
  placeOf: (row: Row) => Place,
): Promise<Page<Item, Place>> {
  const rows = await read(limit + 1);
  const items = await show(rows.slice(0, limit));
  const last = rows[items.length - 1];
  return { items, next: rows.length > items.length && last ? placeOf(last) : undefined };
}

/** The place of a row in a list that is newest first. */
export const cursorOf = ({ created_at, id }: { created_at: number; id: string }): Cursor => ({ at: created_at, id });

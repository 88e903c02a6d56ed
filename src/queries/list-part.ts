import type { Page } from "./page.ts";
import type { WithOutputs } from "../views/shown-documents.ts";

/** `cursor`: how many items come before. Without a limit, all that follow. */
export interface PartRequest {
  cursor: number;
  limit?: number;
}

/** A place is the number of items before it. `leftOut`: how many items are shown without their output, and the place of the first. */
export interface ListPart<Item> extends Page<Item, number> {
  leftOut?: { count: number; from: number };
}

/** A part of a list that is at hand. */
export function sliceOf<Item>(items: Item[], { cursor, limit = items.length }: PartRequest): Page<Item, number> {
  const to = cursor + limit;
  return { items: items.slice(cursor, to), next: to < items.length ? to : undefined };
}

/**
 * A part of a list whose items carry outputs. One answer has room for a certain amount of output. A client that reads in parts
 * gets smaller parts then, with every output; a client that reads all at once gets every item, some without their output.
 */
export async function listPart<Row, Item>(
  rows: Row[],
  { cursor, limit }: PartRequest,
  show: (rows: Row[]) => Promise<WithOutputs<Item>>,
): Promise<ListPart<Item>> {
  const { items, leftOut } = await show(rows.slice(cursor, limit === undefined ? undefined : cursor + limit));
  const [first] = leftOut;
  if (limit === undefined)
    return { items, leftOut: first === undefined ? undefined : { count: leftOut.length, from: cursor + first } };
  const fitting = items.slice(0, first);
  const to = cursor + fitting.length;
  return { items: fitting, next: to < rows.length ? to : undefined };
}

import { type JsonDoc, JsonText } from "../contract/json.ts";
import type { Deps } from "../deps.ts";
import { loadTextsWithin } from "../store/documents.ts";

/** The size of all documents of one answer together. The first document is always shown. */
const MAX_DOCUMENTS_BYTES = 4 * 1_048_576;

/** All items. `leftOut`: the indexes of those whose output had no room in the answer. */
export interface WithOutputs<Item> {
  items: Item[];
  leftOut: number[];
}

export async function withOutputs<Row extends { output?: JsonDoc }, Item>(
  { db }: Deps,
  rows: Row[],
  show: (row: Row, output?: JsonText) => Item,
): Promise<WithOutputs<Item>> {
  const { found, leftOut } = await shownDocuments(
    db,
    rows.map(({ output }) => output),
  );
  return { items: rows.map((row, i) => show(row, found[i])), leftOut };
}

const NULL = { text: "null" };

/** The documents that have room in one answer. A JSON null is left out as well: members are omitted, never null. */
export async function shownDocuments(
  db: Deps["db"],
  docs: (JsonDoc | undefined)[],
): Promise<{ found: (JsonText | undefined)[]; leftOut: number[] }> {
  const texts = await loadTextsWithin(
    db,
    docs.map((doc) => doc ?? NULL),
    MAX_DOCUMENTS_BYTES,
  );
  return {
    found: texts.map((text) => (text === undefined || text.trim() === NULL.text ? undefined : new JsonText(text))),
    leftOut: texts.flatMap((text, i) => (text === undefined ? [i] : [])),
  };
}

import type { JsonDoc } from "../../contract/json.ts";
import { Documents } from "../../simulation/documents.ts";
import { tooLarge } from "../../simulation/limits.ts";
import { loadTextsWithin } from "../../store/documents.ts";
import type { Db } from "../../store/postgres/pool.ts";

/** Of all documents together. */
const MOST_BYTES = 8 * 1_048_576;

/** What a simulation needs of the documents that are stored. */
export async function storedDocuments(db: Db, documents: (JsonDoc | undefined)[]): Promise<Documents> {
  const stored = new Map(documents.flatMap((one) => (one && "ref" in one ? [[one.ref, one]] : [])));
  const texts = await loadTextsWithin(db, [...stored.values()], MOST_BYTES);
  const found = [...stored.keys()].map((ref, i): [string, string] => {
    const text = texts[i];
    if (text === undefined) throw tooLarge(`its payloads and outputs are together more than ${MOST_BYTES} bytes`);
    return [ref, text];
  });
  return new Documents(found);
}

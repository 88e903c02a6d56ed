import { isDeepStrictEqual } from "node:util";
import { type Json, type JsonDoc, parseJson } from "../contract/json.ts";
import { loadText } from "../store/documents.ts";
import type { Db } from "../store/postgres/pool.ts";

/** Whether the stored document says the same as this value; none says the same as no value. */
export const isDocumentOf = async (db: Db, doc: JsonDoc | undefined, value: Json | undefined): Promise<boolean> =>
  isDeepStrictEqual(doc && parseJson(await loadText(db, doc)), value);

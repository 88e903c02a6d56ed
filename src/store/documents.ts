import { INLINE_LIMIT, type JsonDoc } from "../contract/json.ts";
import type { Db } from "./pool.ts";

/** A document from the two columns that keep it: its text, or the id of its row of `documents`. */
export function documentOf(text: string | null, ref: string | null): JsonDoc | null {
  if (text !== null) return { text };
  return ref === null ? null : { ref };
}

/** Stores the text only when it is too long to travel inline. `runId` is whose document it is, for retention. */
export async function saveDocument(db: Db, projectId: string, runId: string | null, text: string): Promise<JsonDoc> {
  if (text.length <= INLINE_LIMIT) return { text };
  const { rows } = await db.query<{ id: string }>(
    "insert into documents (project_id, run_id, body) values ($1, $2, $3) returning id",
    [projectId, runId, text],
  );
  return { ref: (rows[0] as { id: string }).id };
}

export async function loadText(db: Db, doc: JsonDoc): Promise<string> {
  const [text] = await loadTexts(db, [doc]);
  return text as string;
}

/** The texts of all of them, in their order, by at most one statement. */
export async function loadTexts(db: Db, docs: JsonDoc[]): Promise<string[]> {
  const refs = docs.flatMap((doc) => ("ref" in doc ? [doc.ref] : []));
  const stored = refs.length > 0 ? await findTexts(db, refs) : new Map<string, string>();
  return docs.map((doc) => {
    const text = "ref" in doc ? stored.get(doc.ref) : doc.text;
    if (text === undefined) throw new Error("a document of this run is no longer stored");
    return text;
  });
}

async function findTexts(db: Db, refs: string[]): Promise<Map<string, string>> {
  const { rows } = await db.query<{ id: string; body: string }>(
    "select id, body from documents where id = any($1::uuid[])",
    [refs],
  );
  return new Map(rows.map((row) => [row.id, row.body]));
}

import { INLINE_LIMIT, type JsonDoc } from "../contract/json.ts";
import type { Db } from "./postgres/pool.ts";

/** A document from the two columns that keep it: its text, or the id of its row of `documents`. */
export function documentOf(text: string | null, ref: string | null): JsonDoc | null {
  if (text !== null) return { text };
  return ref === null ? null : { ref };
}

/** Stores the text only if it is too long to travel inline. `runId` says with which run it may be deleted. */
export async function saveDocument(db: Db, projectId: string, runId: string | null, text: string): Promise<JsonDoc> {
  if (text.length <= INLINE_LIMIT) return { text };
  const { rows } = await db.query<{ id: string }>(
    "insert into documents (project_id, run_id, body, bytes) values ($1, $2, $3, $4) returning id",
    [projectId, runId, text, Buffer.byteLength(text)],
  );
  return { ref: (rows[0] as { id: string }).id };
}

export async function loadText(db: Db, doc: JsonDoc): Promise<string> {
  const [text] = await loadTexts(db, [doc]);
  return text as string;
}

/** The texts of all of them, in their order, by at most one statement. */
export async function loadTexts(db: Db, docs: JsonDoc[]): Promise<string[]> {
  return (await loadTextsWithin(db, docs, Number.MAX_SAFE_INTEGER)) as string[];
}

/**
 * The texts of the documents that fit. Inline documents always fit. Of the stored ones the first does, and those that follow as long
 * as all together have at most `bytes`. A document that does not fit is undefined, and is not read.
 */
export async function loadTextsWithin(db: Db, docs: JsonDoc[], bytes: number): Promise<(string | undefined)[]> {
  const refs = docs.flatMap((doc) => ("ref" in doc ? [doc.ref] : []));
  const stored = refs.length > 0 ? await findTexts(db, refs, bytes) : new Map<string, string | null>();
  return docs.map((doc) => {
    const text = "ref" in doc ? stored.get(doc.ref) : doc.text;
    if (text === undefined) throw new Error("a document of this run is no longer stored");
    return text ?? undefined;
  });
}

const BYTES = "coalesce(bytes, octet_length(body::text))";

async function findTexts(db: Db, refs: string[], bytes: number): Promise<Map<string, string | null>> {
  const { rows } = await db.query<{ id: string; body: string | null }>(
    `select id, case when place = 1 or total <= $2 then body end as body
     from (
       select id, body, place, sum(${BYTES}) over (order by place) as total
       from unnest($1::uuid[]) with ordinality as asked(id, place) join documents using (id)
     ) stored`,
    [refs, bytes],
  );
  return new Map(rows.map((row) => [row.id, row.body]));
}

/** How many bytes all of them are together. */
export async function bytesOf(db: Db, docs: JsonDoc[]): Promise<number> {
  const refs = docs.flatMap((doc) => ("ref" in doc ? [doc.ref] : []));
  const { rows } = await db.query<{ bytes: number }>(
    `select coalesce(sum(${BYTES}), 0)::int8 as bytes
     from unnest($1::uuid[]) as asked(id) join documents using (id)`,
    [refs],
  );
  const inline = docs.reduce((sum, doc) => sum + ("text" in doc ? Buffer.byteLength(doc.text) : 0), 0);
  return (rows[0]?.bytes ?? 0) + inline;
}

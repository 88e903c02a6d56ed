import { type Json, type JsonDoc, stringifyJson } from "../contract/json.ts";
import { saveDocument } from "../store/documents.ts";
import type { Db } from "../store/postgres/pool.ts";
import { stepsNamed } from "../../workflows/engine/references/reads.ts";

/** Stores a payload with references that were checked. A run can't look into a large one, so it is told which outputs are referred to. */
export async function saveTemplate(
  db: Db,
  of: { projectId: string; runId: string | null },
  template: Json,
  isStep: (ref: string) => boolean,
): Promise<JsonDoc> {
  const document = await saveDocument(db, of.projectId, of.runId, stringifyJson(template));
  if ("text" in document) return document;
  const reads = stepsNamed(template, isStep);
  return reads.length > 0 ? { ...document, reads } : document;
}

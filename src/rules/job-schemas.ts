import { LRUCache } from "lru-cache";
import { JsonSchema, MOST_KEPT } from "./json-schema.ts";
import type { Job } from "../contract/jobs/jobs.ts";

type SchemaField = "payload_schema" | "result_schema";

/** Compiled. A version of a job never changes. */
const schemas = new LRUCache<string, JsonSchema>({ max: 500, maxSize: MOST_KEPT });

/**
 * What is wrong, by the job's schema, with what it is given or what it answered, as JSON text: one sentence that names the
 * place in the document. Undefined where nothing is, or the job has no schema.
 */
export function mismatch(
  job: Pick<Job, "version_id" | SchemaField>,
  field: SchemaField,
  text: string,
): string | undefined {
  const { [field]: schema, version_id } = job;
  if (schema === undefined) return undefined;
  const key = `${version_id} ${field}`;
  const compiled = schemas.get(key) ?? new JsonSchema(schema);
  schemas.set(key, compiled, { size: compiled.size });
  const problem = compiled.mismatch(field === "payload_schema" ? "payload" : "result", text);
  return problem && `${problem} (${field})`;
}

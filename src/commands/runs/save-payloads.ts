import { type Json, type JsonDoc, stringifyJson } from "../../contract/json.ts";
import type { RetryBody } from "../../contract/verbs.ts";
import { Problem } from "../../errors.ts";
import { saveDocument } from "../../store/documents.ts";
import type { Db } from "../../store/pool.ts";
import { MAX_LEVELS, nestsDeeperThan } from "../../../workflows/expressions/printed.ts";

/** Payloads that a recovery is given in place of the run's own and of single steps', as documents of the run. */
export async function savePayloads(
  db: Db,
  projectId: string,
  runId: string,
  body: RetryBody,
): Promise<{ payload?: JsonDoc; step_payloads?: Record<string, JsonDoc> }> {
  const { payload, step_payloads } = checked(body);
  const save = (value: Json) => saveDocument(db, projectId, runId, stringifyJson(value));
  const entries = Object.entries(step_payloads ?? {});
  const saved = await Promise.all(entries.map(async ([ref, value]) => [ref, await save(value)] as const));
  return {
    payload: payload === undefined ? undefined : await save(payload),
    step_payloads: saved.length > 0 ? Object.fromEntries(saved) : undefined,
  };
}

/** The same for a dry run, which stores nothing: what is in them makes no difference to its plan. */
export function unsavedPayloads(body: RetryBody): { payload?: JsonDoc; step_payloads: Record<string, JsonDoc> } {
  const { payload, step_payloads = {} } = checked(body);
  const some: JsonDoc = { text: "null" };
  return {
    payload: payload === undefined ? undefined : some,
    step_payloads: Object.fromEntries(Object.keys(step_payloads).map((ref) => [ref, some])),
  };
}

/** A step's payload is a template, and those are bounded in depth (as in a definition). */
function checked(body: RetryBody): RetryBody {
  const deep = Object.entries(body.step_payloads ?? {}).filter(([, value]) => nestsDeeperThan(MAX_LEVELS, value));
  if (deep.length === 0) return body;
  const details = deep.map(([ref]) => `step_payloads.${ref}: nests deeper than ${MAX_LEVELS} levels`);
  throw new Problem("validation_error", "validation failed", details);
}

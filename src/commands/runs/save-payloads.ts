import { saveTemplate } from "../save-template.ts";
import { type JsonDoc, stringifyJson, unstored } from "../../contract/json.ts";
import type { RetryBody } from "../../contract/verbs.ts";
import { Problem } from "../../errors.ts";
import { saveDocument } from "../../store/documents.ts";
import type { Db } from "../../store/postgres/pool.ts";
import { findVersion } from "../../store/workflow-versions.ts";
import { Precedence } from "../../../workflows/engine/definition/precedence.ts";
import { TemplateWork, templateFaults } from "../../../workflows/engine/definition/reference-rules.ts";
import type { RunRow } from "../../../workflows/engine/mirror/rows.ts";
import { MAX_LEVELS, nestsDeeperThan } from "../../../workflows/expressions/printed.ts";

type Of = Pick<RunRow, "project_id" | "workflow_version_id">;

/** Stores the payloads that a recovery puts in place of the run's and of single steps', as documents of the run `runId`. */
export async function savePayloads(
  db: Db,
  of: Of,
  runId: string,
  { payload, step_payloads = {} }: RetryBody,
): Promise<{ payload?: JsonDoc; step_payloads?: Record<string, JsonDoc> }> {
  const steps = await checked(db, of, { step_payloads });
  const projectId = of.project_id;
  const isStep = (ref: string) => steps.isStep(ref);
  const saved = await Promise.all(
    Object.entries(step_payloads).map(
      async ([ref, value]) => [ref, await saveTemplate(db, { projectId, runId }, value, isStep)] as const,
    ),
  );
  return {
    payload: payload === undefined ? undefined : await saveDocument(db, projectId, runId, stringifyJson(payload)),
    step_payloads: saved.length > 0 ? Object.fromEntries(saved) : undefined,
  };
}

/** The same for a dry run, which stores nothing. Its plan depends on the run's payload by conditions, and on none of a step's. */
export async function unsavedPayloads(
  db: Db,
  of: Of,
  body: RetryBody,
): Promise<{ payload?: JsonDoc; step_payloads: Record<string, JsonDoc> }> {
  await checked(db, of, body);
  const { payload, step_payloads = {} } = body;
  const some: JsonDoc = { text: "null" };
  return {
    payload: payload === undefined ? undefined : unstored(payload),
    step_payloads: Object.fromEntries(Object.keys(step_payloads).map((ref) => [ref, some])),
  };
}

/** A step's payload is a template, and is checked as in a definition. The run itself refuses a step that it does not have. */
async function checked(db: Db, of: Of, { step_payloads = {} }: RetryBody): Promise<Precedence> {
  const given = Object.entries(step_payloads);
  const version = given.length > 0 ? await findVersion(db, of.workflow_version_id) : undefined;
  const steps = version?.steps ?? [];
  const around = { steps: new Precedence(steps), templates: new TemplateWork() };
  const details = given.flatMap(([ref, payload]) => {
    const step = steps.find(({ step_ref }) => step_ref === ref) ?? { step_ref: ref, depends_on: [] };
    const at = `step_payloads.${ref}`;
    if (nestsDeeperThan(MAX_LEVELS, payload)) return [`${at}: nests deeper than ${MAX_LEVELS} levels`];
    const [first] = templateFaults(step, payload, at, around);
    return first ? [first.message] : [];
  });
  if (details.length > 0) throw new Problem("validation_error", "validation failed", details.slice(0, 20));
  return around.steps;
}

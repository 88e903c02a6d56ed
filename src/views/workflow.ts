import { type Json, type JsonDoc, parseJson } from "../contract/json.ts";
import type { Workflow, WorkflowStep } from "../contract/workflows.ts";
import type { WorkflowVersion } from "../contract/definitions/workflow-versions.ts";
import type { Db } from "../store/postgres/pool.ts";
import { loadTexts } from "../store/documents.ts";
import type { ListedVersion, StoredStep } from "../store/workflow-versions.ts";
import type { StoredWorkflow } from "../store/workflows.ts";
import { rfc3339 } from "../../workflows/engine/time.ts";
import { unlessEmpty } from "./unless-empty.ts";

/** As clients see it: times written out, what is empty left out. */
export function presentWorkflow(workflow: StoredWorkflow): Workflow {
  return {
    id: workflow.id,
    project_id: workflow.project_id,
    name: workflow.name,
    slug: workflow.slug,
    description: workflow.description || undefined,
    tags: unlessEmpty(workflow.tags),
    enabled: workflow.enabled,
    version: workflow.version,
    timeout_secs: workflow.timeout_secs || undefined,
    max_concurrent_runs: workflow.max_concurrent_runs || undefined,
    max_parallel_steps: workflow.max_parallel_steps || undefined,
    cron: workflow.cron || undefined,
    cron_timezone: workflow.cron_timezone || undefined,
    skip_if_running: workflow.skip_if_running || undefined,
    version_id: workflow.version_id,
    version_policy: workflow.version_policy,
    backwards_compatible: workflow.backwards_compatible || undefined,
    created_by: workflow.created_by,
    updated_by: workflow.updated_by,
    created_at: rfc3339(workflow.created_at),
    updated_at: rfc3339(workflow.updated_at),
  };
}

export function presentVersion(version: ListedVersion): WorkflowVersion {
  return {
    id: `${version.workflow_id}:v${version.version}`,
    workflow_id: version.workflow_id,
    version: version.version,
    version_id: version.version_id,
    project_id: version.project_id,
    name: version.name,
    slug: version.slug,
    description: version.description || undefined,
    enabled: version.enabled,
    timeout_secs: version.timeout_secs,
    max_concurrent_runs: version.max_concurrent_runs,
    max_parallel_steps: version.max_parallel_steps,
    cron: version.cron || undefined,
    cron_timezone: version.cron_timezone || undefined,
    skip_if_running: version.skip_if_running || undefined,
    backwards_compatible: version.backwards_compatible || undefined,
    created_by: version.created_by,
    updated_by: version.updated_by,
    created_at: rfc3339(version.created_at),
  };
}

export async function presentDefinedSteps({ db }: { db: Db }, steps: StoredStep[]): Promise<WorkflowStep[]> {
  const documents = [...new Set(steps.flatMap((step) => IN_DOCUMENTS.flatMap((field) => step[field] ?? [])))];
  const texts = await loadTexts(db, documents);
  const values = new Map<JsonDoc, Json>(documents.map((document, i) => [document, parseJson(texts[i] ?? "null")]));
  return steps.map((step) => presentDefinedStep(step, (document) => document && values.get(document)));
}

const IN_DOCUMENTS = ["payload", "approval_payload", "approval_form"] as const;

/**
 * Settings of 0, "" or an empty list mean the same as absent ones and are left out, but for a wait's timeout of 0, which means no
 * end. A condition is shown as the client wrote it.
 */
function presentDefinedStep(step: StoredStep, valueIn: (document?: JsonDoc) => Json | undefined) {
  const { id, workflow_id, step_ref, step_type, depends_on, condition, created_at, ...more } = step;
  const { gates_within, version_policy, payload, approval_payload, approval_form, ...rest } = more;
  const settings = Object.entries(rest).filter(
    ([name, value]) =>
      (value !== 0 || name === "event_timeout_secs") && value !== "" && !(Array.isArray(value) && value.length === 0),
  );
  return {
    id,
    workflow_id,
    step_ref,
    step_type,
    depends_on,
    condition,
    ...(Object.fromEntries(settings) as unknown as typeof rest),
    payload: valueIn(payload),
    approval_payload: valueIn(approval_payload),
    approval_form: valueIn(approval_form),
    created_at: rfc3339(created_at),
  };
}

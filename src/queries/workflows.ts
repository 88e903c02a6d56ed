import { rfc3339 } from "../../workflows/engine/time.ts";
import { assertProject, type Caller } from "../caller.ts";
import type { Cursor } from "../contract/cursor.ts";
import { type Json, parseJson } from "../contract/json.ts";
import type { Workflow, WorkflowStep } from "../contract/workflows.ts";
import type { Deps } from "../deps.ts";
import { Problem } from "../errors.ts";
import { loadTexts } from "../store/documents.ts";
import {
  findVersion,
  findWorkflow,
  listWorkflows as listWorkflowRows,
  type StoredStep,
  type StoredWorkflow,
} from "../store/workflows.ts";

const NOT_FOUND = "workflow not found";

export interface DefinitionFilter {
  tag_key?: string;
  tag_value?: string;
  cursor?: Cursor;
  limit: number;
}

/** Another project's workflow is not found (contract §1). */
export async function findOwnWorkflow({ db }: Deps, caller: Caller, id: string): Promise<StoredWorkflow> {
  const workflow = await findWorkflow(db, id);
  if (!workflow) throw new Problem("not_found", NOT_FOUND);
  assertProject(caller, workflow.project_id, NOT_FOUND);
  return workflow;
}

export async function getWorkflow(deps: Deps, caller: Caller, id: string): Promise<Workflow> {
  const workflow = await findOwnWorkflow(deps, caller, id);
  const version = await findVersion(deps.db, workflow.version_id);
  return { ...presentWorkflow(workflow), steps: await presentDefinedSteps(deps, version?.steps ?? []) };
}

export async function listWorkflows(
  { db }: Deps,
  projectId: string,
  filter: DefinitionFilter,
): Promise<{ items: Workflow[]; next?: Cursor }> {
  const { tag_key: tagKey, tag_value: tagValue, cursor, limit } = filter;
  const rows = await listWorkflowRows(db, { projectId, tagKey, tagValue, cursor, limit: limit + 1 });
  const page = rows.slice(0, limit);
  const last = page.at(-1);
  return {
    items: page.map(presentWorkflow),
    next: rows.length > limit && last ? { at: last.created_at, id: last.id } : undefined,
  };
}

/** As clients see it: times written out, what is empty left out (contract §6). */
export function presentWorkflow(workflow: StoredWorkflow): Workflow {
  return {
    id: workflow.id,
    project_id: workflow.project_id,
    name: workflow.name,
    slug: workflow.slug,
    description: workflow.description || undefined,
    tags: isEmpty(workflow.tags) ? undefined : workflow.tags,
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

export async function presentDefinedSteps({ db }: Deps, steps: StoredStep[]): Promise<WorkflowStep[]> {
  const withPayload = steps.flatMap((step) => (step.payload ? [{ step, doc: step.payload }] : []));
  const texts = await loadTexts(
    db,
    withPayload.map(({ doc }) => doc),
  );
  const payloads = new Map<StoredStep, Json>(withPayload.map(({ step }, i) => [step, parseJson(texts[i] ?? "null")]));
  return steps.map((step) => presentDefinedStep(step, payloads.get(step)));
}

/** Zero, "" and an empty list say the same as nothing, except in what is always there; a condition is the client's own. */
function presentDefinedStep(
  { id, workflow_id, step_ref, step_type, depends_on, condition, created_at, ...rest }: StoredStep,
  payload?: Json,
) {
  const settings = Object.entries(rest).filter(
    ([, value]) => value !== 0 && value !== "" && !(Array.isArray(value) && value.length === 0),
  );
  return {
    id,
    workflow_id,
    step_ref,
    step_type,
    depends_on,
    condition,
    ...(Object.fromEntries(settings) as unknown as typeof rest),
    payload,
    created_at: rfc3339(created_at),
  };
}

const isEmpty = (members: object) => Object.keys(members).length === 0;

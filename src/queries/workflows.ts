import { rfc3339 } from "../../workflows/engine/time.ts";
import { assertProject, type Caller } from "../caller.ts";
import type { Cursor } from "../contract/cursor.ts";
import { type Json, parseJson } from "../contract/json.ts";
import type { Workflow, WorkflowStep } from "../contract/workflows.ts";
import type { Deps } from "../deps.ts";
import { Problem } from "../errors.ts";
import { loadTexts } from "../store/documents.ts";
import { findVersion, findWorkflow, listWorkflows as listWorkflowRows, type StoredStep, type StoredWorkflow } from "../store/workflows.ts";

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

export async function listWorkflows({ db }: Deps, projectId: string, filter: DefinitionFilter): Promise<{ items: Workflow[]; next?: Cursor }> {
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
export function presentWorkflow({ tags, ...workflow }: StoredWorkflow): Workflow {
  return {
    ...workflow,
    description: workflow.description || undefined,
    tags: Object.keys(tags).length > 0 ? tags : undefined,
    timeout_secs: workflow.timeout_secs || undefined,
    max_concurrent_runs: workflow.max_concurrent_runs || undefined,
    max_parallel_steps: workflow.max_parallel_steps || undefined,
    cron: workflow.cron || undefined,
    cron_timezone: workflow.cron_timezone || undefined,
    skip_if_running: workflow.skip_if_running || undefined,
    backwards_compatible: workflow.backwards_compatible || undefined,
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
  return steps.map((step) => ({ ...withoutEmpty(step), payload: payloads.get(step), created_at: rfc3339(step.created_at) }));
}

/** Zero, "" and an empty list say the same as nothing; dependencies are always there, and a condition is the client's own. */
function withoutEmpty(step: StoredStep): StoredStep {
  const kept = Object.entries(step).filter(
    ([field, value]) => field === "depends_on" || field === "condition" || (value !== 0 && value !== "" && !isEmptyList(value)),
  );
  return Object.fromEntries(kept) as unknown as StoredStep;
}

const isEmptyList = (value: unknown) => Array.isArray(value) && value.length === 0;

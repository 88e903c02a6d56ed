import type { Pool } from "pg";
import { v7 as uuid } from "uuid";
import { assertSupported } from "./assert-supported.ts";
import { idempotent, type KeyedRequest } from "../idempotency/idempotent.ts";
import { type CheckedSteps, checkedSteps, saveSteps, unsavedSteps } from "./definition-steps.ts";
import { newVersionId } from "./version-id.ts";
import type { CreateWorkflowBody } from "../../contract/create-workflow.ts";
import { IGNORED, UNSUPPORTED, withoutIgnored } from "../../contract/without-effect.ts";
import type { Workflow, WorkflowPlan } from "../../contract/workflows.ts";
import { now } from "../../time/clock.ts";
import type { Deps } from "../../deps.ts";
import { invalid, Problem } from "../../errors.ts";
import { type Caller, projectOf } from "../../identity/caller.ts";
import { isCron, isTimeZone } from "../../rules/cron.ts";
import type { Db } from "../../store/postgres/pool.ts";
import { inTransaction } from "../../store/postgres/transaction.ts";
import { isSlugTaken } from "../../store/slugs.ts";
import { type StoredStep, stepsOfVersion } from "../../store/workflow-versions.ts";
import { findWorkflow, insertWorkflow, type StoredWorkflow } from "../../store/workflows.ts";
import { presentDefinedSteps, presentWorkflow } from "../../views/workflow.ts";

/** What may be asked for, and where another definition is copied, what that says besides. */
export type Draft = CreateWorkflowBody & Pick<StoredWorkflow, "backwards_compatible">;

export const createWorkflow = (
  deps: Deps,
  caller: Caller,
  body: CreateWorkflowBody,
  idempotencyKey?: string,
): Promise<Workflow> => makeWorkflow(deps, caller, body, { operation: "create workflow", body, idempotencyKey });

/** Stores what the draft says, or finds what the same request has stored before. */
export async function makeWorkflow(
  deps: Deps,
  caller: Caller,
  draft: Draft,
  asked: Omit<KeyedRequest, "projectId">,
): Promise<Workflow> {
  const request = { projectId: projectOf(caller, draft.project_id), makes: "workflow", ...asked };
  const stored = await idempotent(deps, request, findDefinition, async () => {
    const { workflow, steps: checked } = await checkedDefinition(deps, caller, draft);
    return (id) =>
      storeDefinition(deps.db, { ...workflow, id }, checked).catch(async (error) => {
        // The same request may have been faster.
        const theirs = error instanceof Problem && (await findDefinition(deps.db, id));
        if (theirs) return theirs;
        throw error;
      });
  });
  return { ...presentWorkflow(stored.workflow), steps: await presentDefinedSteps(deps, stored.steps) };
}

interface Definition {
  workflow: StoredWorkflow;
  steps: StoredStep[];
}

async function findDefinition(db: Db, id: string): Promise<Definition | undefined> {
  const workflow = await findWorkflow(db, id);
  return workflow && { workflow, steps: await stepsOfVersion(db, workflow.version_id) };
}

function storeDefinition(pool: Pool, workflow: StoredWorkflow, checked: CheckedSteps): Promise<Definition> {
  return inTransaction(pool, async (db) => {
    const steps = await saveSteps(db, { ...workflow, at: workflow.created_at }, checked);
    if ((await insertWorkflow(db, { workflow, steps })) === "duplicate") throw slugTaken(workflow);
    return { workflow, steps };
  });
}

/** What would be stored. */
export async function previewWorkflow(deps: Deps, caller: Caller, draft: Draft): Promise<WorkflowPlan> {
  const { workflow, steps: checked } = await checkedDefinition(deps, caller, draft);
  if (await isSlugTaken(deps.db, "workflows", workflow)) throw slugTaken(workflow);
  return planOf(deps, workflow, await unsavedSteps({ ...workflow, at: workflow.created_at }, checked));
}

/** A definition without what is only known of one that is stored. */
export async function planOf(deps: Deps, stored: StoredWorkflow, steps: StoredStep[]): Promise<WorkflowPlan> {
  const { id, version_id, created_at, updated_at, ...workflow } = presentWorkflow(stored);
  const shown = (await presentDefinedSteps(deps, steps)).map(({ id, workflow_id, created_at, ...step }) => step);
  return { dry_run: true, workflow: { ...workflow, steps: shown } };
}

async function checkedDefinition(deps: Deps, caller: Caller, draft: Draft) {
  const project_id = projectOf(caller, draft.project_id);
  const workflow = definition(draft, project_id, caller.actor);
  return { workflow, steps: await checkedSteps(deps, { project_id }, draft.steps) };
}

export const slugTaken = ({ slug }: Pick<StoredWorkflow, "slug">) =>
  new Problem("conflict", `workflow with slug "${slug}" already exists`, ["slug: taken"]);

function definition(draft: Draft, project_id: string, actor: string): StoredWorkflow {
  assertSettings(draft);
  const { steps: _, ...said } = withoutIgnored(draft, IGNORED.workflow);
  const at = now();
  return {
    ...said,
    id: uuid(),
    project_id,
    tags: draft.tags ?? {},
    version: 1,
    version_id: newVersionId(),
    backwards_compatible: draft.backwards_compatible ?? false,
    created_by: actor,
    updated_by: actor,
    created_at: at,
    updated_at: at,
  };
}

/** What the schemas don't say of a workflow's settings. */
export function assertSettings(settings: Partial<Pick<StoredWorkflow, "cron" | "cron_timezone">> & object): void {
  const { cron, cron_timezone } = settings;
  if (cron && cron_timezone && !isTimeZone(cron_timezone)) throw invalid("cron_timezone", "invalid cron_timezone");
  if (cron && !isCron(cron)) throw invalid("cron", "invalid cron expression");
  assertSupported(settings, UNSUPPORTED.workflow);
}

import { v7 as uuid } from "uuid";
import { assertSupported } from "./assert-supported.ts";
import { checkedSteps, saveSteps, unsavedSteps } from "./definition-steps.ts";
import { newVersionId } from "./version-id.ts";
import type { CreateWorkflowBody } from "../../contract/create-workflow.ts";
import { UNSUPPORTED } from "../../contract/without-effect.ts";
import type { Workflow, WorkflowPlan } from "../../contract/workflows.ts";
import { now } from "../../time/clock.ts";
import type { Deps } from "../../deps.ts";
import { Problem } from "../../errors.ts";
import { type Caller, projectOf } from "../../identity/caller.ts";
import { isCron, isTimeZone } from "../../rules/cron.ts";
import { inTransaction } from "../../store/postgres/transaction.ts";
import { isSlugTaken } from "../../store/slugs.ts";
import type { StoredStep } from "../../store/workflow-versions.ts";
import { insertWorkflow, type StoredWorkflow } from "../../store/workflows.ts";
import { presentDefinedSteps, presentWorkflow } from "../../views/workflow.ts";

/** What may be asked for, and where another definition is copied, what that says besides. */
export type Draft = CreateWorkflowBody & Pick<StoredWorkflow, "backwards_compatible">;

export async function createWorkflow(deps: Deps, caller: Caller, draft: Draft): Promise<Workflow> {
  const { workflow, steps: checked } = await checkedDefinition(deps, caller, draft);
  const steps = await inTransaction(deps.db, async (db) => {
    const steps = await saveSteps(db, { ...workflow, at: workflow.created_at }, checked);
    if ((await insertWorkflow(db, { workflow, steps })) === "duplicate") throw slugTaken(workflow);
    return steps;
  });
  return { ...presentWorkflow(workflow), steps: await presentDefinedSteps(deps, steps) };
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
  const { name, slug, description, enabled, timeout_secs, max_concurrent_runs, max_parallel_steps } = draft;
  const { cron, cron_timezone, skip_if_running, version_policy, backwards_compatible = false } = draft;
  const at = now();
  return {
    id: uuid(),
    project_id,
    name,
    slug,
    description,
    tags: draft.tags ?? {},
    enabled,
    version: 1,
    timeout_secs,
    max_concurrent_runs,
    max_parallel_steps,
    cron,
    cron_timezone,
    skip_if_running,
    version_id: newVersionId(),
    version_policy,
    backwards_compatible,
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

const invalid = (field: string, message: string) => new Problem("validation_error", message, [`${field}: ${message}`]);

import { assertSettings, planOf, slugTaken } from "./create-workflow.ts";
import { type CheckedSteps, checkedSteps, saveSteps, underPolicy, unsavedSteps } from "./definition-steps.ts";
import { newVersionId } from "./version-id.ts";
import type { UpdateWorkflowBody } from "../../contract/definitions/update-workflow.ts";
import { IGNORED, withoutIgnored } from "../../contract/without-effect.ts";
import type { ChangedWorkflow, WorkflowPlan } from "../../contract/workflows.ts";
import { now } from "../../time/clock.ts";
import type { Deps } from "../../deps.ts";
import { Problem } from "../../errors.ts";
import type { Caller } from "../../identity/caller.ts";
import { findOwnWorkflow } from "../../queries/workflows.ts";
import { countOpenRunsOf } from "../../store/run-lists/open-runs.ts";
import type { Db } from "../../store/postgres/pool.ts";
import { inTransaction } from "../../store/postgres/transaction.ts";
import { isSlugTaken } from "../../store/slugs.ts";
import { type StoredStep, stepsOfVersion } from "../../store/workflow-versions.ts";
import { lockForChange, type StoredWorkflow, updateWorkflow as updateStored } from "../../store/workflows.ts";
import { presentDefinedSteps, presentWorkflow } from "../../views/workflow.ts";

/** Makes the next version of a workflow, whatever is changed. Runs that exist keep theirs. */
export async function updateWorkflow(
  deps: Deps,
  caller: Caller,
  workflowId: string,
  body: UpdateWorkflowBody,
): Promise<ChangedWorkflow> {
  const { checked } = await checkedChange(deps, caller, workflowId, body);
  return inTransaction(deps.db, async (db) => {
    // What others have changed meanwhile stays changed.
    const before = await lockForChange(db, workflowId);
    if (!before) throw new Problem("not_found", "workflow not found");
    const workflow = changed(before, body, caller.actor);
    const save = (checked: CheckedSteps) => saveSteps(db, { ...workflow, at: workflow.updated_at }, checked);
    const steps = await stepsOf(db, before, workflow, checked, save);
    if ((await updateStored(db, { workflow, steps })) === "duplicate") throw slugTaken(workflow);
    // Once it is committed, nothing may fail any more.
    const shown = await presentDefinedSteps({ db }, steps);
    return { ...presentWorkflow(workflow), ...(await leftBehind({ db }, before)), steps: shown };
  });
}

/** What would be stored. */
export async function previewUpdate(
  deps: Deps,
  caller: Caller,
  workflowId: string,
  body: UpdateWorkflowBody,
): Promise<WorkflowPlan> {
  const { before, checked } = await checkedChange(deps, caller, workflowId, body);
  const workflow = changed(before, body, caller.actor);
  const make = (checked: CheckedSteps) => unsavedSteps({ ...workflow, at: workflow.updated_at }, checked);
  const steps = await stepsOf(deps.db, before, workflow, checked, make);
  if (workflow.slug !== before.slug && (await isSlugTaken(deps.db, "workflows", workflow))) throw slugTaken(workflow);
  const plan = await planOf(deps, workflow, steps);
  return { ...plan, workflow: { ...plan.workflow, ...(await leftBehind(deps, before)) } };
}

async function checkedChange(deps: Deps, caller: Caller, workflowId: string, body: UpdateWorkflowBody) {
  const before = await findOwnWorkflow(deps, caller, workflowId);
  assertSettings(body);
  return { before, checked: body.steps && (await checkedSteps(deps, before, body.steps)) };
}

function changed(before: StoredWorkflow, body: UpdateWorkflowBody, actor: string): StoredWorkflow {
  const { steps: _, ...said } = withoutIgnored(body, IGNORED.workflow);
  return {
    ...before,
    ...said,
    version: before.version + 1,
    version_id: newVersionId(),
    updated_by: actor,
    updated_at: now(),
  };
}

async function stepsOf(
  db: Db,
  before: StoredWorkflow,
  { version_policy }: StoredWorkflow,
  checked: CheckedSteps | undefined,
  make: (checked: CheckedSteps) => Promise<StoredStep[]>,
): Promise<StoredStep[]> {
  const old = await stepsOfVersion(db, before.version_id);
  if (!checked) return old.map((step) => underPolicy(version_policy, step));
  assertNoneRemoved(
    old,
    checked.map(({ input }) => input),
  );
  return make(checked);
}

/** Runs are asked for their steps by name, whatever their version. */
export function assertNoneRemoved(old: { step_ref: string }[], steps: { step_ref: string }[]): void {
  const refs = new Set(steps.map(({ step_ref }) => step_ref));
  const removed = old.map(({ step_ref }) => step_ref).filter((ref) => !refs.has(ref));
  if (removed.length === 0) return;
  const message = `removing step_ref "${removed[0]}" is not supported; disable it with step overrides instead`;
  throw new Problem(
    "validation_error",
    message,
    removed.slice(0, 20).map((ref) => `steps: step_ref "${ref}" is removed`),
  );
}

async function leftBehind({ db }: { db: Db }, { id, version_id }: StoredWorkflow) {
  const open = await countOpenRunsOf(db, id, version_id);
  return open > 0 ? { active_runs_on_previous_version: open, previous_version_id: version_id } : {};
}

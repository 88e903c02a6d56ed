import { logged } from "../command-log.ts";
import { runOnce } from "../once.ts";
import { startRun } from "./start-run.ts";
import { stringifyJson } from "../../contract/json.ts";
import type { WorkflowRun } from "../../contract/runs.ts";
import type { TriggerBody } from "../../contract/trigger.ts";
import type { StepOverride } from "../../contract/workflows.ts";
import type { Deps } from "../../deps.ts";
import { Problem } from "../../errors.ts";
import { assertProject, type Caller, projectOf } from "../../identity/caller.ts";
import { saveDocument } from "../../store/documents.ts";
import { findVersion, findWorkflow, planSteps } from "../../store/workflows.ts";
import { presentRun } from "../../views/run.ts";
import { enabledSteps, type PlanStep, RULES } from "../../../workflows/engine/plan.ts";

const MAX_TAGS = 20;

/** Starts a run of a workflow's current version (contract §3.4). */
export function triggerRun(
  deps: Deps,
  caller: Caller,
  workflowId: string,
  body: TriggerBody,
  idempotencyKey = body.idempotency_key,
): Promise<WorkflowRun> {
  const command = { verb: "trigger", actor: caller.actor };
  const act = () => trigger(deps, caller, workflowId, body, idempotencyKey);
  return logged(deps, command, act, ({ id }) => id);
}

async function trigger(
  deps: Deps,
  caller: Caller,
  workflowId: string,
  body: TriggerBody,
  idempotencyKey?: string,
): Promise<WorkflowRun> {
  const { db } = deps;
  if (body.project_id !== undefined) projectOf(caller, body.project_id);
  const workflow = await findWorkflow(db, workflowId);
  if (!workflow || (body.project_id !== undefined && body.project_id !== workflow.project_id))
    throw new Problem("not_found", "workflow not found");
  assertProject(caller, workflow.project_id, "workflow not found");
  if (!workflow.enabled) throw new Problem("conflict", "workflow is disabled");

  const version = await findVersion(db, workflow.version_id);
  const steps = stepsToRun(version ? planSteps(version) : [], body.step_overrides);
  const tags = { ...workflow.tags, ...body.tags };
  if (Object.keys(tags).length > MAX_TAGS)
    throw new Problem("validation_error", `too many tags (max ${MAX_TAGS})`, [
      `tags: together with the workflow's own there are more than ${MAX_TAGS}`,
    ]);

  const { project_id, version_id, name, timeout_secs, max_parallel_steps, max_concurrent_runs } = workflow;
  const asked = {
    projectId: project_id,
    operation: `trigger ${workflow.id}`,
    body: { ...body, idempotency_key: undefined },
  };
  const row = await runOnce(deps, { ...asked, idempotencyKey }, async (id) => {
    const payload =
      body.payload === undefined ? undefined : await saveDocument(db, project_id, id, stringifyJson(body.payload));
    const header = {
      id,
      workflow_id: workflow.id,
      workflow_name: name,
      project_id,
      workflow_version: workflow.version,
      workflow_version_id: version_id,
      triggered_by: body.triggered_by || "manual",
      created_by: caller.actor,
      created_at: Date.now(),
      payload,
      tags,
      labels: body.labels,
      max_parallel_steps,
      timeout_secs,
      step_overrides: body.step_overrides,
      depth: 0,
      rules: RULES,
    };
    return startRun(deps, header, steps, max_concurrent_runs);
  });
  return presentRun(deps, row);
}

function stepsToRun(steps: PlanStep[], overrides: StepOverride[] = []): PlanStep[] {
  if (steps.length === 0) throw new Problem("validation_error", "workflow must have at least one step");
  const refs = new Set(steps.map((step) => step.step_ref));
  for (const { step_ref } of overrides) {
    if (refs.has(step_ref)) continue;
    const message = `step override references unknown step_ref ${JSON.stringify(step_ref.slice(0, 200))}`;
    throw new Problem("validation_error", message, [`step_overrides: ${message}`]);
  }
  const enabled = enabledSteps(steps, overrides);
  if (enabled.length === 0)
    throw new Problem("validation_error", "workflow must have at least one step", [
      "step_overrides: disable every step",
    ]);
  return enabled;
}

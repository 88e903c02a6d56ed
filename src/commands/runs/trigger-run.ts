import { assertMayPass } from "./assert-may-pass.ts";
import { v7 as uuid } from "uuid";
import { logged } from "../command-log.ts";
import { idempotentRun } from "../idempotency/idempotent.ts";
import { isFull, LIMIT_REACHED, startRun } from "./start-run.ts";
import { stringifyJson } from "../../contract/json.ts";
import type { TriggerPlan, WorkflowRun } from "../../contract/runs.ts";
import type { TriggerBody } from "../../contract/trigger.ts";
import type { PolicyRules } from "../../contract/definitions/workflow-policies.ts";
import type { StepOverride } from "../../contract/workflows.ts";
import { now } from "../../time/clock.ts";
import type { Deps } from "../../deps.ts";
import { invalid, Problem } from "../../errors.ts";
import { assertProject, type Caller, projectOf } from "../../identity/caller.ts";
import { policyViolation } from "../../rules/workflow-policy.ts";
import { saveDocument } from "../../store/documents.ts";
import { findVersion, planSteps } from "../../store/workflow-versions.ts";
import { findUnderPolicy } from "../../store/definitions/workflow-policies.ts";
import type { StoredWorkflow } from "../../store/workflows.ts";
import { presentRun } from "../../views/run.ts";
import { withPassed } from "../../../workflows/engine/gates/involvement.ts";
import { gatesLeftOut } from "../../../workflows/engine/gates/left-out.ts";
import { enabledSteps, planOf, type PlanStep, RULES } from "../../../workflows/engine/plan.ts";
import { previewOfStart } from "../../../workflows/engine/preview.ts";
import { initialRun } from "../../../workflows/engine/run.ts";
import { runRow } from "../../../workflows/engine/mirror/view.ts";

const MAX_TAGS = 20;
const DISABLED = "workflow is disabled";

/** Starts a run of a workflow's current version. */
export function triggerRun(
  deps: Deps,
  caller: Caller,
  workflowId: string,
  body: TriggerBody,
  idempotencyKey = body.idempotency_key,
): Promise<WorkflowRun> {
  const act = async () => {
    const { workflow, policy } = await triggered(deps, caller, workflowId, body);
    const asked = {
      projectId: workflow.project_id,
      operation: `trigger ${workflow.id}`,
      body: { ...body, idempotency_key: undefined },
    };
    const row = await idempotentRun(deps, { ...asked, idempotencyKey }, async () => {
      const { header, steps, all } = await runToBe(deps, caller, workflow, body);
      const [refused] = standing(workflow, policy, all);
      if (refused !== undefined) throw new Problem("conflict", refused);
      return async (id) => {
        const payload =
          body.payload === undefined
            ? undefined
            : await saveDocument(deps.db, workflow.project_id, id, stringifyJson(body.payload));
        const begun = { ...header, id, created_at: now(), payload };
        return (await startRun(deps, begun, steps, workflow.max_concurrent_runs)).row;
      };
    });
    return presentRun(deps, row);
  };
  return logged(deps, { verb: "trigger", actor: caller.actor }, act, ({ id: run }) => ({ run }));
}

/** The run that a trigger would make, how far it would go at once, and why the trigger would be refused. */
export async function previewTrigger(
  deps: Deps,
  caller: Caller,
  workflowId: string,
  body: TriggerBody,
): Promise<TriggerPlan> {
  const { workflow, policy } = await triggered(deps, caller, workflowId, body);
  const { header, steps, all } = await runToBe(deps, caller, workflow, body);
  const messages = [...standing(workflow, policy, all), ...((await isFull(deps, workflow)) ? [LIMIT_REACHED] : [])];
  const payload = body.payload === undefined ? undefined : { text: stringifyJson(body.payload) };
  const plan = planOf({ ...header, id: uuid(), created_at: now(), payload }, steps);
  const preview = previewOfStart(plan);
  const row = runRow(initialRun(plan));
  const { id, created_at, started_at, expires_at, ...run } = await presentRun(deps, row);
  const disabled = body.step_overrides?.filter(({ enabled }) => !enabled).map(({ step_ref }) => step_ref) ?? [];
  return {
    dry_run: true,
    run,
    disabled_steps: [...new Set(disabled)],
    starts: preview.steps.filter(({ actions }) => actions.includes("started")).map(({ step_ref }) => step_ref),
    status_after: preview.status_after,
    steps: preview.steps,
    refused: messages.map((message) => ({ code: "conflict", message })),
  };
}

/** What refuses any run of it, as long as nobody changes it or the policy. */
function standing({ enabled }: StoredWorkflow, policy: PolicyRules | undefined, steps: PlanStep[]): string[] {
  const violation = policy && policyViolation(policy, steps);
  return [...(enabled ? [] : [DISABLED]), ...(violation === undefined ? [] : [violation])];
}

async function triggered({ db }: Deps, caller: Caller, workflowId: string, body: TriggerBody) {
  if (body.project_id !== undefined) projectOf(caller, body.project_id);
  const found = await findUnderPolicy(db, workflowId);
  if (!found || (body.project_id !== undefined && body.project_id !== found.workflow.project_id))
    throw new Problem("not_found", "workflow not found");
  assertProject(caller, found.workflow.project_id, "workflow not found");
  return found;
}

async function runToBe({ db }: Deps, caller: Caller, workflow: StoredWorkflow, body: TriggerBody) {
  const version = await findVersion(db, workflow.version_id);
  const all = version ? planSteps(version) : [];
  const steps = stepsToRun(all, body.step_overrides);
  const passed = gatesLeftOut(all, body.step_overrides);
  assertMayPass(passed, caller, {
    started_by: [caller.actor],
    approved: new Map([[caller.actor, new Set(refsOf(passed))]]),
  });
  const tags = { ...workflow.tags, ...body.tags };
  if (Object.keys(tags).length > MAX_TAGS)
    throw new Problem("validation_error", `too many tags (max ${MAX_TAGS})`, [
      `tags: together with the workflow's own there are more than ${MAX_TAGS}`,
    ]);
  const { project_id, version_id, name, timeout_secs, max_parallel_steps } = workflow;
  const header = {
    workflow_id: workflow.id,
    workflow_name: name,
    project_id,
    workflow_version: workflow.version,
    workflow_version_id: version_id,
    triggered_by: body.triggered_by || "manual",
    created_by: caller.actor,
    tags,
    labels: body.labels,
    max_parallel_steps,
    timeout_secs,
    step_overrides: body.step_overrides,
    ...(passed.length > 0 && { involved: withPassed({}, refsOf(passed), caller.actor) }),
    depth: 0,
    rules: RULES,
  };
  return { header, steps, all };
}

const refsOf = (steps: PlanStep[]): string[] => steps.map(({ step_ref }) => step_ref);

/** Those that the overrides leave. */
export function stepsToRun(steps: PlanStep[], overrides: StepOverride[] = []): PlanStep[] {
  if (steps.length === 0) throw new Problem("validation_error", "workflow must have at least one step");
  const refs = new Set(steps.map((step) => step.step_ref));
  for (const { step_ref } of overrides) {
    if (refs.has(step_ref)) continue;
    const named = JSON.stringify(step_ref.slice(0, 200));
    throw invalid("step_overrides", `step override references unknown step_ref ${named}`);
  }
  const enabled = enabledSteps(steps, overrides);
  if (enabled.length === 0)
    throw new Problem("validation_error", "workflow must have at least one step", [
      "step_overrides: disable every step",
    ]);
  return enabled;
}

import { logged } from "../command-log.ts";
import { idempotentRun } from "../idempotency/idempotent.ts";
import { savePayloads, unsavedPayloads } from "./save-payloads.ts";
import { isFull, LIMIT_REACHED, startRun } from "./start-run.ts";
import type { DryRun, WorkflowRun } from "../../contract/runs.ts";
import type { RetryBody } from "../../contract/verbs.ts";
import { now } from "../../timing/clock.ts";
import type { Deps } from "../../deps.ts";
import { Problem, refusal } from "../../errors.ts";
import { type Caller, senderOf } from "../../identity/caller.ts";
import { mirroredRun } from "../../queries/mirrored-run.ts";
import { previewCommand } from "../../queries/preview-command.ts";
import { findOwnRun } from "../../queries/runs.ts";
import { findVersion, planSteps } from "../../store/workflow-versions.ts";
import { findWorkflow, type StoredWorkflow } from "../../store/workflows.ts";
import { presentRun } from "../../views/run.ts";
import { enabledSteps, type PlanStep, type RunHeader } from "../../../workflows/engine/plan.ts";
import { recoveryOf } from "../../../workflows/engine/recovery/rule.ts";
import type { RunRow } from "../../../workflows/engine/mirror/rows.ts";
import { headerOf } from "../../../workflows/engine/mirror/stored-run.ts";

/** A new run of the same version that keeps the outputs of the source's completed steps (docs/state-machine.md, Running again). */
export async function retryRun(
  deps: Deps,
  caller: Caller,
  runId: string,
  payloads: RetryBody,
  idempotencyKey?: string,
): Promise<WorkflowRun> {
  return logged(deps, { verb: "retry-run", run: runId, actor: caller.actor }, async () =>
    presentRun(deps, await startRetry(deps, caller, await findOwnRun(deps, caller, runId), payloads, idempotencyKey)),
  );
}

export async function startRetry(
  deps: Deps,
  caller: Caller,
  source: RunRow,
  payloads: RetryBody,
  idempotencyKey?: string,
): Promise<RunRow> {
  const asked = { projectId: source.project_id, operation: `retry ${source.id}`, body: payloads, idempotencyKey };
  return idempotentRun(deps, asked, async (id) => {
    const { plan, state } = await mirroredRun(deps, source);
    const recovery = recoveryOf(plan, state, await requestOf(deps, caller, source, payloads));
    if ("status" in recovery) throw refusal(recovery);
    const { workflow, steps } = await workflowOf(deps, source);
    const kept = headerOf(source);
    const { payload, step_payloads } = await savePayloads(deps.db, source, id, payloads);
    const header: RunHeader = {
      ...kept,
      payload: payload ?? kept.payload,
      step_payloads: step_payloads ? { ...kept.step_payloads, ...step_payloads } : kept.step_payloads,
      id,
      triggered_by: "retry",
      retry_of_run_id: source.id,
      created_at: now(),
      timeout_secs: workflow.timeout_secs,
    };
    return startRun(deps, header, steps, workflow.max_concurrent_runs, source.id);
  });
}

/** What a retry would do: the new run's steps, as they would stand once it has begun. */
export async function previewRetry(deps: Deps, caller: Caller, source: RunRow, payloads: RetryBody): Promise<DryRun> {
  const preview = await previewCommand(deps, source, await requestOf(deps, caller, source, payloads));
  const { workflow } = await workflowOf(deps, source);
  if (await isFull(deps, workflow)) throw new Problem("conflict", LIMIT_REACHED);
  return preview;
}

async function requestOf({ db }: Deps, caller: Caller, source: RunRow, payloads: RetryBody) {
  return { ...(await unsavedPayloads(db, source, payloads)), verb: "retry-run", ...senderOf(caller) } as const;
}

async function workflowOf({ db }: Deps, source: RunRow): Promise<{ workflow: StoredWorkflow; steps: PlanStep[] }> {
  const [workflow, version] = await Promise.all([
    findWorkflow(db, source.workflow_id),
    findVersion(db, source.workflow_version_id),
  ]);
  if (!workflow || !version) throw new Problem("not_found", "workflow not found");
  if (!workflow.enabled) throw new Problem("conflict", "workflow is disabled");
  return { workflow, steps: enabledSteps(planSteps(version), source.step_overrides) };
}

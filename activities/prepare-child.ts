import { renderPayload } from "./render.ts";
import type { Deps } from "../src/deps.ts";
import { firstRow, LIMIT_REACHED } from "../src/commands/runs/start-run.ts";
import { Problem } from "../src/errors.ts";
import { saveDocument } from "../src/store/documents.ts";
import { inTransaction } from "../src/store/postgres/transaction.ts";
import { insertRunWithinLimit } from "../src/store/runs.ts";
import { versionUnder } from "../src/store/definitions/version-policy.ts";
import { planSteps, slowJobsOf, type StoredVersion } from "../src/store/workflow-versions.ts";
import { findWorkflow, type StoredWorkflow } from "../src/store/workflows.ts";
import type { Activities, PrepareChildInput } from "../workflows/activity-types.ts";
import { planOf, RULES, type RunHeader } from "../workflows/engine/plan.ts";
import { initialRun } from "../workflows/engine/run.ts";
import { TemplateError } from "../workflows/expressions/templates.ts";

export function prepareChild({ db }: Deps): Activities["prepareChild"] {
  return async (input) => {
    if (input.depth > input.max_nesting_depth) {
      return { refused: `sub-workflow nesting is limited by max_nesting_depth ${input.max_nesting_depth}` };
    }
    const workflow = await findWorkflow(db, input.sub_workflow_id);
    if (workflow?.project_id !== input.sources.project_id) {
      return { refused: `sub-workflow ${input.sub_workflow_id} not found` };
    }
    if (!workflow.enabled) return { refused: "workflow is disabled" };
    const version = await versionUnder(db, input.version_policy ?? "pin", workflow, input.version_id);
    if (!version || version.steps.length === 0) return { refused: "workflow must have at least one step" };

    try {
      const payload = await renderPayload(db, input.sources);
      const doc =
        payload === undefined ? undefined : await saveDocument(db, workflow.project_id, input.child_run_id, payload);
      const run: RunHeader = { ...headerOf(input, workflow, version), payload: doc };
      const steps = planSteps(version);
      const row = firstRow(initialRun(planOf(run, steps)));
      const place = await inTransaction(db, (transaction) =>
        insertRunWithinLimit(transaction, row, workflow.max_concurrent_runs),
      );
      if (place === "full") return { refused: LIMIT_REACHED };
      const { slug, description } = version;
      return { run, steps, slow_jobs: await slowJobsOf(db, version.version_id), definition: { slug, description } };
    } catch (error) {
      if (error instanceof TemplateError) return { refused: error.message };
      // It was deleted just now.
      if (error instanceof Problem && error.code === "not_found") return { refused: error.message };
      throw error;
    }
  };
}

function headerOf(input: PrepareChildInput, workflow: StoredWorkflow, version: StoredVersion): RunHeader {
  return {
    id: input.child_run_id,
    workflow_id: workflow.id,
    workflow_name: version.name,
    project_id: workflow.project_id,
    workflow_version: version.version,
    workflow_version_id: version.version_id,
    triggered_by: "workflow",
    created_by: input.created_by,
    retried_by: input.retried_by,
    ...(input.started && { involved: { started: input.started } }),
    created_at: input.now,
    tags: workflow.tags,
    max_parallel_steps: version.max_parallel_steps || undefined,
    timeout_secs: version.timeout_secs || undefined,
    expires_no_later_than: input.expires_no_later_than,
    parent_workflow_run_id: input.sources.run_id,
    parent_step_run_id: input.parent_step_run_id,
    depth: input.depth,
    ...(input.trace && { trace: input.trace }),
    rules: RULES,
  };
}

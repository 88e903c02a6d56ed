import { logged } from "../command-log.ts";
import { idempotentRun } from "../idempotency/idempotent.ts";
import { type RetryPlan, retryPlan } from "./retry-plan.ts";
import { savePayloads, unsavedPayloads } from "./save-payloads.ts";
import { isFull, LIMIT_REACHED, startRun } from "./start-run.ts";
import type { DryRun, WorkflowRun } from "../../contract/runs.ts";
import type { RetryBody } from "../../contract/verbs.ts";
import { now } from "../../time/clock.ts";
import type { Deps } from "../../deps.ts";
import { Problem, refusal } from "../../errors.ts";
import { type Caller, senderOf } from "../../identity/caller.ts";
import { previewCommand } from "../../queries/preview-command.ts";
import { findOwnRun } from "../../queries/runs.ts";
import { presentRun } from "../../views/run.ts";
import { isRunOfJob, type Plan, type RunHeader } from "../../../workflows/engine/plan.ts";
import { previewOf } from "../../../workflows/engine/preview.ts";
import { recoveryOf } from "../../../workflows/engine/recovery/rule.ts";
import type { RunRow } from "../../../workflows/engine/mirror/rows.ts";

/** A new run that keeps the outputs of the source's completed steps (docs/state-machine.md, Running again). */
export async function retryRun(
  deps: Deps,
  caller: Caller,
  runId: string,
  body: RetryBody,
  idempotencyKey?: string,
): Promise<WorkflowRun> {
  return logged(deps, { verb: "retry-run", run: runId, actor: caller.actor }, async () =>
    presentRun(deps, await startRetry(deps, caller, await findOwnRun(deps, caller, runId), body, idempotencyKey)),
  );
}

export async function startRetry(
  deps: Deps,
  caller: Caller,
  source: RunRow,
  body: RetryBody,
  idempotencyKey?: string,
): Promise<RunRow> {
  const asked = { projectId: source.project_id, operation: `retry ${source.id}`, body, idempotencyKey };
  return idempotentRun(deps, asked, async () => {
    const { workflow, header: kept, plan, state } = await retryPlan(deps, caller, source, body.version);
    const recovery = recoveryOf(plan, state, await requestOf(deps, caller, kept, body));
    if ("status" in recovery) {
      // Its steps may have been deleted since the row was read.
      await findOwnRun(deps, caller, source.id);
      throw refusal(recovery);
    }
    assertEnabled(workflow, plan);
    return async (id) => {
      const { payload, step_payloads } = await savePayloads(deps.db, kept, id, body);
      const header: RunHeader = {
        ...kept,
        payload: payload ?? kept.payload,
        step_payloads: step_payloads ? { ...kept.step_payloads, ...step_payloads } : kept.step_payloads,
        id,
        triggered_by: "retry",
        retry_of_run_id: source.id,
        retried_by: caller.actor,
        involved: kept.retried_by === undefined ? kept.involved : withStarter(kept, kept.retried_by),
        created_at: now(),
        timeout_secs: workflow.timeout_secs,
      };
      const isNothingKept = isRunOfJob(plan) && source.status !== "completed";
      const seed_from = isNothingKept ? undefined : source.id;
      return (await startRun(deps, header, plan.steps, workflow.max_concurrent_runs, seed_from)).row;
    };
  });
}

/** Everyone of a chain of retries has started what comes of it. */
const withStarter = ({ involved }: RunHeader, by: string): RunHeader["involved"] => ({
  ...involved,
  started: [...new Set([...(involved?.started ?? []), by])],
});

/** What a retry would do: the new run's steps, as they would stand once it has begun. */
export async function previewRetry(deps: Deps, caller: Caller, source: RunRow, body: RetryBody): Promise<DryRun> {
  const { workflow, header, plan, state } = await retryPlan(deps, caller, source, body.version);
  const request = await requestOf(deps, caller, header, body);
  const preview = await previewIn(deps, source, { header, plan, state }, request);
  assertEnabled(workflow, plan);
  if (await isFull(deps, workflow)) throw new Problem("conflict", LIMIT_REACHED);
  return preview;
}

type Request = Awaited<ReturnType<typeof requestOf>>;

async function previewIn(
  deps: Deps,
  source: RunRow,
  { header, plan, state }: Pick<RetryPlan, "header" | "plan" | "state">,
  request: Request,
): Promise<DryRun> {
  if (header.workflow_version_id === source.workflow_version_id) return previewCommand(deps, source, request);
  const preview = previewOf(plan, state, request, Date.now());
  if (preview.status === "refused") throw refusal(preview);
  return { dry_run: true, workflow_run_id: source.id, ...preview };
}

async function requestOf({ db }: Deps, caller: Caller, of: RunHeader, { payload, step_payloads }: RetryBody) {
  const given = await unsavedPayloads(db, of, { payload, step_payloads });
  return { ...given, verb: "retry-run", ...senderOf(caller) } as const;
}

function assertEnabled({ enabled }: RetryPlan["workflow"], plan: Plan): void {
  if (!enabled) throw new Problem("conflict", `${isRunOfJob(plan) ? "job" : "workflow"} is disabled`);
}

import pMap from "p-map";
import { v7 as uuid } from "uuid";
import { previewSteering, steerRun } from "./steer-run.ts";
import { attempting, CONCURRENCY } from "../bulk/each-run.ts";
import type { Decisions, DecisionsBody, DecisionsPlan } from "../../contract/approvals.ts";
import type { Approval } from "../../contract/runs.ts";
import type { Deps } from "../../deps.ts";
import type { Caller } from "../../identity/caller.ts";

/** One decision on many gates, each as if it were made alone. What one of them refuses is its own. */
export async function decideMany(
  deps: Deps,
  caller: Caller,
  { decision, option, comment, approvals }: DecisionsBody,
  idempotencyKey: string | undefined,
): Promise<Decisions> {
  const { attempt, assertAny } = attempting(deps);
  const results = await pMap(
    approvals,
    async ({ workflow_run_id, step_ref, ...aim }): Promise<Decisions["results"][number]> => {
      const gate = { workflow_run_id, step_ref };
      // Tried again, it is the same command.
      const id = idempotencyKey ? { idempotencyKey: `${idempotencyKey}/${step_ref}` } : { commandId: uuid() };
      const said = { verb: decision, option, comment, ...aim };
      const steering = { runId: workflow_run_id, stepRef: step_ref, ...said, ...id };
      const done = await attempt(() => steerRun(deps, caller, steering));
      if ("error" in done) return { ...gate, status: "refused", ...done };
      const { value } = done;
      if ("accepted" in value) return { ...gate, status: "accepted", command_id: value.accepted };
      const approval = value.approval as Approval;
      return { ...gate, status: approval.status === "pending" ? "voted" : "decided", approval };
    },
    { concurrency: CONCURRENCY },
  );
  assertAny(results.filter(({ status }) => status !== "refused").length);
  return { results };
}

/** What each of them would do, with nothing changed. */
export async function previewDecisions(
  deps: Deps,
  caller: Caller,
  { decision, option, comment, approvals }: DecisionsBody,
): Promise<DecisionsPlan> {
  const { attempt } = attempting(deps);
  const results = await pMap(
    approvals,
    async ({ workflow_run_id, step_ref, ...aim }): Promise<DecisionsPlan["results"][number]> => {
      const said = { verb: decision, option, comment, ...aim };
      const steering = { runId: workflow_run_id, stepRef: step_ref, ...said };
      const done = await attempt(() => previewSteering(deps, caller, steering));
      return { workflow_run_id, step_ref, ...("error" in done ? done : { plan: done.value }) };
    },
    { concurrency: CONCURRENCY },
  );
  return { dry_run: true, results };
}

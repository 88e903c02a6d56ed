import type { Run } from "../engine/run.ts";
import { childEndedSignal } from "../messages.ts";
import { effects } from "../proxies.ts";
import { signalRun } from "./signal-run.ts";

/** A sub-workflow runs again: its parent waits for it again, and is opened for that where it is closed. */
export async function announceReopened({ plan, state }: Run): Promise<void> {
  const { id, parent_workflow_run_id: run_id = "" } = plan.run;
  const command = { id: `adopt:${id}:${state.revision}`, actor: `workflow-run:${id}`, child_run_id: id };
  await effects.reopenRun({ run_id, verb: "adopt", command });
  state.returning = undefined;
}

/** Before a run closes: a sub-workflow tells its parent how it ended. */
export async function notifyParent({ plan, state }: Run): Promise<void> {
  const { id, project_id, parent_workflow_run_id } = plan.run;
  if (!parent_workflow_run_id) return;
  const output = state.status === "completed" ? await outputOf() : undefined;
  const { status, error, life } = state;
  const end = output && "refused" in output ? failed(output.refused) : { status, error, output };
  await signalRun(parent_workflow_run_id, childEndedSignal, { child_run_id: id, ...end, life });

  function outputOf() {
    const outputs = plan.steps.flatMap(({ step_ref }, i) => {
      const stepOutput = state.steps[i]?.output;
      return stepOutput ? [[step_ref, stepOutput] as [string, typeof stepOutput]] : [];
    });
    return effects.collectOutput({ run_id: id, project_id, outputs });
  }
}

/** It did complete, but its parent cannot go on with what came of it. */
const failed = (error: string) => ({ status: "failed" as const, error });

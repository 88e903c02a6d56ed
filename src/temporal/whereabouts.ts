import { ApplicationFailure, TerminatedFailure, TimeoutFailure } from "@temporalio/common";
import { WorkflowFailedError, WorkflowNotFoundError } from "@temporalio/client";
import type { Temporal } from "./connection.ts";
import type { RunEnd } from "../../workflows/engine/events.ts";
import type { RunFailure } from "../../workflows/web-ui/result.ts";

interface Deps {
  temporal: Temporal;
}

/** What Temporal knows of a run. `failures`: how often in a row its workflow task has failed or timed out. */
export type Whereabouts = { is: "open"; failures: number } | { is: "ended"; end: RunEnd } | { is: "unknown" };

export async function whereabouts({ temporal }: Deps, runId: string): Promise<Whereabouts> {
  try {
    const { status, runId: execution, raw } = await temporal.workflow.getHandle(runId).describe();
    if (status.name === "RUNNING") return { is: "open", failures: (raw.pendingWorkflowTask?.attempt ?? 1) - 1 };
    return { is: "ended", end: await endOf(temporal, runId, execution) };
  } catch (error) {
    if (error instanceof WorkflowNotFoundError) return { is: "unknown" };
    throw error;
  }
}

/** The run's own error, of which the message says the step as well. Runs that ended before it did have no details. */
function errorOf({ message, details }: ApplicationFailure): string | undefined {
  const failure = details?.[0] as RunFailure | undefined;
  return failure ? (failure.error ?? `workflow run ${failure.status}`) : message;
}

/** The end as the run would have mirrored it: a terminated run counts as canceled. */
async function endOf(temporal: Temporal, runId: string, execution: string): Promise<RunEnd> {
  try {
    await temporal.workflow.getHandle(runId, execution, { followRuns: false }).result();
    return { status: "completed" };
  } catch (error) {
    if (!(error instanceof WorkflowFailedError)) throw error;
    const { cause } = error;
    if (cause instanceof TerminatedFailure) return { status: "canceled", error: `terminated: ${cause.message}` };
    if (cause instanceof TimeoutFailure) return { status: "timed_out", error: "workflow timed out" };
    if (!(cause instanceof ApplicationFailure)) return { status: "canceled", error: "canceled by user" };
    return { status: cause.type === "timed_out" ? "timed_out" : "failed", error: errorOf(cause) };
  }
}

import { ApplicationFailure } from "@temporalio/workflow";
import type { Run } from "../engine/run.ts";
import { failedStepOf } from "../web-ui/failed-step.ts";
import { type RunFailure, type RunResult, resultOf } from "../web-ui/result.ts";
import { standingOf } from "../web-ui/standing.ts";
import { canceled } from "./canceled.ts";

/** What an execution ends with: as completed, failed or canceled in Temporal as the run is. */
export function endOf(run: Run): RunResult {
  const { status, error } = run.state;
  const result = resultOf(run);
  if (status === "completed") return result;
  if (status === "canceled") throw canceled(run);
  const failure: RunFailure = { error, ...result };
  throw ApplicationFailure.create({
    type: status,
    message: messageOf(run),
    details: [failure],
    nonRetryable: true,
    category: "BENIGN",
  });
}

function messageOf(run: Run): string {
  const { status, error } = run.state;
  const step = status === "failed" ? failedStepOf(run, standingOf(run).failed) : undefined;
  if (!step) return error ?? `workflow run ${status}`;
  return `${step.step_ref}: ${step.error ?? error ?? "failed"}`;
}

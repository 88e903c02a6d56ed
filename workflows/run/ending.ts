import { ApplicationFailure } from "@temporalio/workflow";
import type { RunStatus } from "../../src/contract/runs.ts";
import type { Run } from "../engine/run.ts";
import { canceled } from "./canceled.ts";

/** What an execution ends with: as completed, failed or canceled in Temporal as the run is. */
export function endOf(run: Run): { status: RunStatus } {
  const { status, error } = run.state;
  if (status === "completed") return { status };
  if (status === "canceled") throw canceled(run);
  throw ApplicationFailure.create({
    type: status,
    message: error ?? `workflow run ${status}`,
    nonRetryable: true,
    category: "BENIGN",
  });
}

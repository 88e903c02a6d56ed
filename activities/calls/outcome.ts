import { ApplicationFailure } from "@temporalio/common";
import type { JsonDoc } from "../../src/contract/json.ts";
import type { CallOutcome, DispatchInput } from "../../workflows/activity-types.ts";

export type Outcome = { output?: JsonDoc };

/** What a call is known by, to every process that may make it. */
export const callName = ({ job_run_id, attempt }: DispatchInput): string => `${job_run_id}/${attempt}`;

/** The end of a call, as it was when the call was made. */
export async function ended(outcome: CallOutcome): Promise<Outcome> {
  if (!("failure" in outcome)) return outcome;
  throw ApplicationFailure.create({ ...outcome.failure, nonRetryable: true, category: "BENIGN" });
}

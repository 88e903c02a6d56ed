import { defineQuery, defineSignal } from "@temporalio/workflow";
import type { BulkStatus } from "../../src/contract/bulk/operations.ts";
import { BULK_VERBS, type BulkVerb } from "./status.ts";

export const BULK_WORKFLOW_TYPE = "bulkOperation";

/** Of a hand-written signal nothing is required: a missing id is made, a missing actor is "temporal". */
export interface BulkSignal {
  id?: string;
  actor?: string;
  reason?: string;
}

/** Times are epoch milliseconds. `revision` grows with every command and every change of status. */
export interface BulkState {
  status: BulkStatus;
  /** When nothing was under way any more: an aborted operation still ends the chunk it was at. */
  finished_at?: number;
  revision: number;
}

export interface BulkOutcome {
  id: string;
  verb: BulkVerb;
  actor: string;
  reason?: string;
  at: number;
  status: "applied" | "refused";
  message?: string;
}

export interface BulkInput {
  operation_id: string;
  /** The next leg of a long one goes on with these. */
  carried?: { state: BulkState; outcomes: BulkOutcome[] };
}

export const bulkSignals = Object.fromEntries(
  BULK_VERBS.map((verb) => [verb, defineSignal<[BulkSignal]>(verb)]),
) as Record<BulkVerb, ReturnType<typeof defineSignal<[BulkSignal]>>>;
/** What became of the command with this id; null while it is not known. */
export const bulkOutcomeQuery = defineQuery<{ outcome: BulkOutcome; state: BulkState } | null, [string]>("bulkOutcome");

import type { BulkStatus } from "../../src/contract/bulk/operations.ts";

export const isBulkOver = (status: BulkStatus): boolean => status === "completed" || status === "aborted";

type Steered = { status: BulkStatus; refused?: undefined } | { refused: string };

/** The status that a verb leads to, or why not. */
export function steeredBulk(status: BulkStatus, verb: BulkVerb): Steered {
  if (isBulkOver(status)) return { refused: "bulk operation already in terminal state" };
  switch (verb) {
    case "pause":
      return { status: "paused" };
    case "resume":
      return status === "paused" ? { status: "running" } : { refused: "bulk operation is not paused" };
    case "abort":
      return { status: "aborted" };
  }
}

/** The verbs that steer a bulk operation; each is a signal of this name. Cancelling its workflow aborts it, too. */
export const BULK_VERBS = ["pause", "resume", "abort"] as const;

export type BulkVerb = (typeof BULK_VERBS)[number];

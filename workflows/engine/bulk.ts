import type { BulkStatus } from "../../src/contract/bulk-operations.ts";
import type { BulkVerb } from "../bulk-messages.ts";

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

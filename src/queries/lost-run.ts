import { Problem } from "../errors.ts";
import type { RunRow } from "../../workflows/engine/mirror/rows.ts";

export const UNKNOWN = "workflow run is unknown to Temporal";

/** A sub-workflow is stored a moment before it is started. */
const STARTED_WITHIN_MS = 10_000;

/** Whether a run that Temporal does not know should have been started by now. */
export const isLost = ({ created_at }: RunRow): boolean => Date.now() - created_at > STARTED_WITHIN_MS;

/** The refusal of every command to a lost run but a cancel, which ends it. */
export const lost = () => new Problem("conflict", `${UNKNOWN}: DELETE ends it, and frees what it holds`);

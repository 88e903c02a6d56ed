import { Problem } from "../errors.ts";
import type { RunRow } from "../../workflows/engine/rows.ts";

export const UNKNOWN = "workflow run is unknown to Temporal";

/** A run is stored after Temporal has it, a sub-workflow a moment before. */
const STARTED_WITHIN_MS = 10_000;

/** Of a run that Temporal does not know. */
export const isLost = ({ created_at }: RunRow): boolean => Date.now() - created_at > STARTED_WITHIN_MS;

/** What a command to a lost run is answered, unless it is the one that ends it. */
export const lost = () => new Problem("conflict", `${UNKNOWN}: DELETE ends it, and frees what it holds`);

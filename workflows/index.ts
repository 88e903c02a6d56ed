export { bulkOperation } from "./bulk/operation.ts";
export { retentionSweep } from "./retention/sweep.ts";
export { workflowRun } from "./run/run.ts";

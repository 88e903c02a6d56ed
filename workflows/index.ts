export { bulkOperation } from "./bulk/operation.ts";
export { workflowRun } from "./run/run.ts";

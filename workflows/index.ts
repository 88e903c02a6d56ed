export { workflowRun } from "./run.ts";

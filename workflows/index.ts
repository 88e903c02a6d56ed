export { bulkOperation } from "./bulk/operation.ts";
export { retentionSweep } from "./retention/sweep.ts";
export { webhookDelivery } from "./webhooks/delivery.ts";
/** A run has the type that its definition has as slug: whatever is not exported by that name leads to the default. */
export { workflowRun, workflowRun as default } from "./run/run.ts";

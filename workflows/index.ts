export { bulkOperation } from "./bulk/operation.ts";
export { webhookDelivery } from "./webhooks/delivery.ts";
export { workflowRun } from "./run/run.ts";

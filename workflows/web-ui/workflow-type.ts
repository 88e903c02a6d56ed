import { BULK_WORKFLOW_TYPE } from "../bulk/messages.ts";
import { WORKFLOW_TYPE } from "../messages.ts";
import { SWEEP_WORKFLOW_TYPE } from "../retention/messages.ts";
import { DELIVERY_WORKFLOW_TYPE } from "../webhooks/messages.ts";

/** Of our other workflows. */
const OTHERS = [BULK_WORKFLOW_TYPE, DELIVERY_WORKFLOW_TYPE, SWEEP_WORKFLOW_TYPE];

/**
 * The workflow type under which a run is listed: its definition's slug. Any type leads to the run's workflow, except those that
 * would lead the SDK to something else, which have a prefix: our other workflows, and what every object has by itself.
 */
export function workflowTypeOf(slug: string | undefined): string {
  // Of a run whose definition is not known, as of all runs once.
  if (slug === undefined) return WORKFLOW_TYPE;
  return OTHERS.includes(slug) || slug in {} ? `workflow:${slug}` : slug;
}

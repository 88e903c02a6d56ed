import { z } from "zod";
import { idempotencyKey } from "./idempotency.ts";
import { id } from "./ids.ts";

/** `notFound`: what is said of one that does not look like its kind. */
export interface PathParameter {
  schema: z.ZodType<string>;
  notFound?: string;
}

/** Every name that a path may have a parameter of. */
export const PATH_PARAMETERS = {
  workflowID: { schema: id, notFound: "workflow not found" },
  workflowRunID: { schema: id, notFound: "workflow run not found" },
  operationID: { schema: id, notFound: "bulk operation not found" },
  webhookID: { schema: id, notFound: "webhook not found" },
  deliveryID: { schema: id, notFound: "webhook delivery not found" },
  jobID: { schema: id, notFound: "job not found" },
  runID: { schema: id, notFound: "run not found" },
  // A command's id may be an Idempotency-Key, and no other text is one.
  commandID: { schema: idempotencyKey, notFound: "command not found" },
  // Looked for among the versions of the workflow, and only once that is found.
  versionID: { schema: z.string() },
  fromVersionID: { schema: z.string() },
  toVersionID: { schema: z.string() },
  projectID: { schema: z.string() },
  stepRef: { schema: z.string() },
  eventKey: { schema: z.string() },
  prefix: { schema: z.string() },
} satisfies Record<string, PathParameter>;

export type PathParameterName = keyof typeof PATH_PARAMETERS;

import { bulkCommand } from "../../queries/bulk-command.ts";
import { createBulkOperation, previewBulkOperation } from "../../commands/bulk/create-bulk-operation.ts";
import { previewBulkSteering, steerBulkOperation } from "../../commands/bulk/steer-bulk-operation.ts";
import {
  bulkItem,
  bulkOperation,
  bulkOperationBody,
  bulkPlan,
  bulkSteeringPlan,
  MAX_BULK_BODY_BYTES,
} from "../../contract/bulk/operations.ts";
import { commandStatus } from "../../contract/answers/commands.ts";
import { bulkItemsQuery, listOf, projectPageQuery } from "../../contract/lists.ts";
import { reasonBody } from "../../contract/verbs.ts";
import { answerTo, commanded, created, pageAnswer } from "../answer.ts";
import { type Route, route } from "../route.ts";
import { projectOf } from "../../identity/caller.ts";
import { getBulkOperation, listBulkItems, listBulkOperations } from "../../queries/bulk-operations.ts";
import { BULK_VERBS, type BulkVerb } from "../../../workflows/bulk/status.ts";

const tag = "Bulk operations";

export const bulkOperationRoutes: Route[] = [
  route({
    method: "post",
    path: "/v1/bulk-operations",
    operationId: "createBulkOperation",
    tag,
    summary: "Act on many runs",
    scope: "workflows:write",
    body: bulkOperationBody,
    maxBytes: () => MAX_BULK_BODY_BYTES,
    returns: { 202: bulkOperation },
    plans: bulkPlan,
    plan: (deps, { caller, body }) => previewBulkOperation(deps, caller, body),
    handler: async (deps, { caller, body, idempotencyKey }) =>
      created("/v1/bulk-operations", await createBulkOperation(deps, caller, body, idempotencyKey)),
  }),
  route({
    method: "get",
    path: "/v1/bulk-operations",
    operationId: "listBulkOperations",
    tag,
    summary: "List bulk operations",
    scope: "workflows:read",
    query: projectPageQuery,
    returns: { 200: listOf(bulkOperation) },
    handler: async (deps, asked) => {
      const page = await listBulkOperations(deps, projectOf(asked.caller, asked.query.project_id), asked.query);
      return pageAnswer(page, asked);
    },
  }),
  route({
    method: "get",
    path: "/v1/bulk-operations/:operationID",
    operationId: "getBulkOperation",
    tag,
    summary: "Get a bulk operation",
    scope: "workflows:read",
    returns: { 200: bulkOperation },
    handler: async (deps, { caller, params }) => ({ body: await getBulkOperation(deps, caller, params.operationID) }),
  }),
  route({
    method: "get",
    path: "/v1/bulk-operations/:operationID/items",
    operationId: "listBulkOperationItems",
    tag,
    summary: "List the runs of a bulk operation",
    description: "In the order in which they are taken.",
    scope: "workflows:read",
    query: bulkItemsQuery,
    returns: { 200: listOf(bulkItem) },
    handler: async (deps, asked) =>
      pageAnswer(await listBulkItems(deps, asked.caller, asked.params.operationID, asked.query), asked),
  }),
  route({
    method: "get",
    path: "/v1/bulk-operations/:operationID/commands/:commandID",
    operationId: "getBulkOperationCommand",
    tag,
    summary: "What became of a command to a bulk operation",
    scope: "workflows:read",
    returns: { 200: commandStatus },
    handler: async (deps, { caller, params }) => ({
      body: await bulkCommand(deps, caller, params.operationID, params.commandID),
    }),
  }),
  ...BULK_VERBS.map(steering),
];

function steering(verb: BulkVerb): Route {
  return route({
    method: "post",
    path: `/v1/bulk-operations/:operationID/${verb}`,
    operationId: `${verb}BulkOperation`,
    tag,
    summary: `${verb[0]?.toUpperCase()}${verb.slice(1)} a bulk operation`,
    scope: "workflows:write",
    body: reasonBody,
    returns: commanded(bulkOperation),
    plans: bulkSteeringPlan,
    plan: (deps, { caller, params }) => previewBulkSteering(deps, caller, params.operationID, verb),
    handler: async (deps, { caller, params, body, idempotencyKey }) =>
      answerTo(
        await steerBulkOperation(deps, caller, {
          operationId: params.operationID,
          verb,
          reason: body.reason,
          idempotencyKey,
        }),
        undefined,
        "bulk-operations",
      ),
  });
}

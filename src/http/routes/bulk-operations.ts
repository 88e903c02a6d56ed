import { bulkCommand } from "../../queries/bulk-command.ts";
import { createBulkOperation, previewBulkOperation } from "../../commands/bulk/create-bulk-operation.ts";
import { previewBulkSteering, steerBulkOperation } from "../../commands/bulk/steer-bulk-operation.ts";
import { bulkOperationBody, MAX_BULK_BODY_BYTES } from "../../contract/bulk/operations.ts";
import { bulkItemsQuery, projectPageQuery } from "../../contract/lists.ts";
import { reasonBody } from "../../contract/verbs.ts";
import { answerTo, pageAnswer } from "../answer.ts";
import { type Route, route } from "../route.ts";
import { commandIdOf, knownId } from "../validation.ts";
import { projectOf } from "../../identity/caller.ts";
import { getBulkOperation, listBulkItems, listBulkOperations } from "../../queries/bulk-operations.ts";
import { BULK_VERBS, type BulkVerb } from "../../../workflows/bulk/status.ts";

const idOf = (params: { operationID: string }) => knownId(params.operationID, "bulk operation not found");

export const bulkOperationRoutes: Route[] = [
  route({
    method: "post",
    path: "/v1/bulk-operations",
    scope: "workflows:write",
    body: bulkOperationBody,
    maxBytes: () => MAX_BULK_BODY_BYTES,
    plan: (deps, { caller, body }) => previewBulkOperation(deps, caller, body),
    handler: async (deps, { caller, body, idempotencyKey }) => {
      const created = await createBulkOperation(deps, caller, body, idempotencyKey);
      return { status: 202, headers: { Location: `/v1/bulk-operations/${created.id}` }, body: created };
    },
  }),
  route({
    method: "get",
    path: "/v1/bulk-operations",
    scope: "workflows:read",
    query: projectPageQuery,
    handler: async (deps, asked) => {
      const page = await listBulkOperations(deps, projectOf(asked.caller, asked.query.project_id), asked.query);
      return pageAnswer(page, asked);
    },
  }),
  route({
    method: "get",
    path: "/v1/bulk-operations/:operationID",
    scope: "workflows:read",
    handler: async (deps, { caller, params }) => ({ body: await getBulkOperation(deps, caller, idOf(params)) }),
  }),
  route({
    method: "get",
    path: "/v1/bulk-operations/:operationID/items",
    scope: "workflows:read",
    query: bulkItemsQuery,
    handler: async (deps, asked) =>
      pageAnswer(await listBulkItems(deps, asked.caller, idOf(asked.params), asked.query), asked),
  }),
  route({
    method: "get",
    path: "/v1/bulk-operations/:operationID/commands/:commandID",
    scope: "workflows:read",
    handler: async (deps, { caller, params }) => ({
      body: await bulkCommand(deps, caller, idOf(params), commandIdOf(params)),
    }),
  }),
  ...BULK_VERBS.map(steering),
];

function steering(verb: BulkVerb): Route {
  return route({
    method: "post",
    path: `/v1/bulk-operations/:operationID/${verb}`,
    scope: "workflows:write",
    body: reasonBody,
    plan: (deps, { caller, params }) => previewBulkSteering(deps, caller, idOf(params), verb),
    handler: async (deps, { caller, params, body, idempotencyKey }) =>
      answerTo(
        await steerBulkOperation(deps, caller, {
          operationId: idOf(params),
          verb,
          reason: body.reason,
          idempotencyKey,
        }),
        undefined,
        "bulk-operations",
      ),
  });
}

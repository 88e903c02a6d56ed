import { z } from "zod";
import { previewRedelivery, redeliver } from "../../commands/webhooks/redeliver.ts";
import {
  createWebhook,
  deleteWebhook,
  previewDeletion,
  previewUpdate,
  previewWebhook,
  updateWebhook,
} from "../../commands/webhooks/save-webhook.ts";
import { listOf, projectPageQuery } from "../../contract/lists.ts";
import {
  createWebhookBody,
  deliveriesQuery,
  delivery,
  deliveryPlan,
  updateWebhookBody,
  webhook,
  webhookPlan,
} from "../../contract/webhooks/webhooks.ts";
import { created, pageAnswer } from "../answer.ts";
import { type Route, route } from "../route.ts";
import { projectOf } from "../../identity/caller.ts";
import { getWebhook, listDeliveries, listWebhooks } from "../../queries/webhooks.ts";

const tag = "Webhooks";

export const webhookRoutes: Route[] = [
  route({
    method: "post",
    path: "/v1/webhooks",
    operationId: "createWebhook",
    tag,
    summary: "Be told of events",
    description: "`links_for` needs the scope `approvals:override`, too.",
    scope: "webhooks:write",
    body: createWebhookBody,
    returns: { 201: webhook },
    plans: webhookPlan,
    plan: async (deps, { caller, body }) => previewWebhook(deps, caller, body),
    handler: async (deps, { caller, body, idempotencyKey }) =>
      created("/v1/webhooks", await createWebhook(deps, caller, body, idempotencyKey)),
  }),
  route({
    method: "get",
    path: "/v1/webhooks",
    operationId: "listWebhooks",
    tag,
    summary: "List webhooks",
    scope: "webhooks:read",
    query: projectPageQuery,
    returns: { 200: listOf(webhook) },
    handler: async (deps, asked) => {
      const page = await listWebhooks(deps, projectOf(asked.caller, asked.query.project_id), asked.query);
      return pageAnswer(page, asked);
    },
  }),
  route({
    method: "get",
    path: "/v1/webhooks/:webhookID",
    operationId: "getWebhook",
    tag,
    summary: "Get a webhook",
    scope: "webhooks:read",
    returns: { 200: webhook },
    handler: async (deps, { caller, params }) => ({ body: await getWebhook(deps, caller, params.webhookID) }),
  }),
  route({
    method: "patch",
    path: "/v1/webhooks/:webhookID",
    operationId: "updateWebhook",
    tag,
    summary: "Change a webhook",
    description: "One that has `links_for`, or is to have it, needs the scope `approvals:override`, too.",
    scope: "webhooks:write",
    ignoresKey: true,
    body: updateWebhookBody,
    returns: { 200: webhook },
    plans: webhookPlan,
    plan: (deps, { caller, params, body }) => previewUpdate(deps, caller, params.webhookID, body),
    handler: async (deps, { caller, params, body }) => ({
      body: await updateWebhook(deps, caller, params.webhookID, body),
    }),
  }),
  route({
    method: "delete",
    path: "/v1/webhooks/:webhookID",
    operationId: "deleteWebhook",
    tag,
    summary: "Delete a webhook",
    description: "What it was still to deliver is not delivered.",
    scope: "webhooks:write",
    ignoresKey: true,
    returns: { 204: z.undefined() },
    plans: webhookPlan,
    plan: (deps, { caller, params }) => previewDeletion(deps, caller, params.webhookID),
    handler: async (deps, { caller, params }) => {
      await deleteWebhook(deps, caller, params.webhookID);
      return { body: undefined };
    },
  }),
  route({
    method: "get",
    path: "/v1/webhooks/:webhookID/deliveries",
    operationId: "listWebhookDeliveries",
    tag,
    summary: "List what a webhook was sent",
    description: "The newest first.",
    scope: "webhooks:read",
    query: deliveriesQuery,
    returns: { 200: listOf(delivery) },
    handler: async (deps, asked) =>
      pageAnswer(await listDeliveries(deps, asked.caller, asked.params.webhookID, asked.query), asked),
  }),
  route({
    method: "post",
    path: "/v1/webhooks/:webhookID/deliveries/:deliveryID/redeliver",
    operationId: "redeliverWebhook",
    tag,
    summary: "Send a message again",
    scope: "webhooks:write",
    ignoresKey: true,
    returns: { 200: delivery },
    plans: deliveryPlan,
    plan: (deps, { caller, params }) => previewRedelivery(deps, caller, params.webhookID, params.deliveryID),
    handler: async (deps, { caller, params }) => ({
      body: await redeliver(deps, caller, params.webhookID, params.deliveryID),
    }),
  }),
];

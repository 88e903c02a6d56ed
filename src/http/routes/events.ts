import { cancelEvent, previewCancelEvent } from "../../commands/events/cancel-event.ts";
import { holdEvent, previewHold } from "../../commands/events/hold-event.ts";
import { previewPurge, purgeEvents } from "../../commands/events/purge-events.ts";
import { previewSendToPrefix, sendToPrefix } from "../../commands/events/send-to-prefix.ts";
import { previewEvent, sendEvent } from "../../commands/runs/send-event.ts";
import { eventsQuery, purgeEventsBody, sendEventBody, sendToPrefixBody } from "../../contract/events/events.ts";
import { projectQuery } from "../../contract/lists.ts";
import { invalid } from "../../errors.ts";
import { type Answer, answerTo, pageAnswer } from "../answer.ts";
import { route, type Route } from "../route.ts";
import { projectOf } from "../../identity/caller.ts";
import { eventStats, getEvent, listEvents } from "../../queries/events.ts";
import { eventKeyProblem } from "../../rules/event-key.ts";

/** A key, or what keys begin with. It is percent-decoded already, also %2F. */
function keyOf(key: string): string {
  const problem = eventKeyProblem(key);
  if (problem !== undefined) throw invalid("event key", problem);
  return key;
}

const asked = ({ eventKey }: { eventKey: string }, { project_id }: { project_id?: string }) => ({
  eventKey: keyOf(eventKey),
  projectId: project_id,
});

/** A route of its own comes before the keys: a key that is named like one is reached by percent-encoding a letter of it. */
export const eventRoutes: Route[] = [
  route({
    method: "get",
    path: "/v1/events",
    scope: "workflows:read",
    query: eventsQuery,
    handler: async (deps, { caller, query, url }) => {
      const { project_id, status, workflow_run_id: runId, source_type: sourceType, limit, cursor } = query;
      const filter = { status, runId, sourceType, limit, cursor };
      const page = await listEvents(deps, projectOf(caller, project_id), filter);
      return pageAnswer(page, { url, query: { envelope: true } });
    },
  }),
  route({
    method: "get",
    path: "/v1/events/stats",
    scope: "workflows:read",
    query: projectQuery,
    handler: async (deps, { caller, query }) => ({
      body: await eventStats(deps, projectOf(caller, query.project_id)),
    }),
  }),
  route({
    method: "post",
    path: "/v1/events/purge",
    scope: "workflows:write",
    query: projectQuery,
    body: purgeEventsBody,
    plan: (deps, { caller, query, body }) =>
      previewPurge(deps, projectOf(caller, query.project_id), body.older_than_days),
    handler: async (deps, { caller, query, body }) => ({
      body: await purgeEvents(deps, projectOf(caller, query.project_id), body.older_than_days),
    }),
  }),
  route({
    method: "post",
    path: "/v1/events/prefix/:prefix/send",
    isBulk: true,
    scope: "workflows:write",
    query: projectQuery,
    body: sendToPrefixBody,
    plan: (deps, { caller, params, query }) =>
      previewSendToPrefix(deps, caller, { prefix: keyOf(params.prefix), projectId: query.project_id }),
    handler: async (deps, { caller, params, query, body, idempotencyKey }) => ({
      body: await sendToPrefix(deps, caller, {
        prefix: keyOf(params.prefix),
        projectId: query.project_id,
        payload: body.payload,
        idempotencyKey,
      }),
    }),
  }),
  route({
    method: "get",
    path: "/v1/events/:eventKey",
    scope: "workflows:read",
    query: projectQuery,
    handler: async (deps, { caller, params, query }) => ({
      body: await getEvent(deps, caller, keyOf(params.eventKey), query.project_id),
    }),
  }),
  route({
    method: "delete",
    path: "/v1/events/:eventKey",
    scope: "workflows:write",
    query: projectQuery,
    plan: (deps, { caller, params, query }) => previewCancelEvent(deps, caller, asked(params, query)),
    handler: async (deps, { caller, params, query, idempotencyKey }) =>
      answerTo(await cancelEvent(deps, caller, { ...asked(params, query), idempotencyKey })),
  }),
  route({
    method: "post",
    path: "/v1/events/:eventKey/send",
    scope: "workflows:write",
    query: projectQuery,
    body: sendEventBody,
    plan: (deps, { caller, params, query, body: { payload, hold_secs: holdSecs } }) => {
      const sending = { ...asked(params, query), payload };
      return holdSecs === undefined
        ? previewEvent(deps, caller, sending)
        : previewHold(deps, caller, { ...sending, holdSecs });
    },
    handler: async (deps, { caller, params, query, body: { payload, hold_secs: holdSecs }, idempotencyKey }) => {
      const sending = { ...asked(params, query), payload, idempotencyKey };
      if (holdSecs === undefined) return answerTo(await sendEvent(deps, caller, sending));
      const sent = await holdEvent(deps, caller, { ...sending, holdSecs });
      const answer: Answer = answerTo(sent);
      return "status" in sent && sent.status === "held" ? { ...answer, status: 202 } : answer;
    },
  }),
];

import { z } from "zod";
import { cancelEvent, previewCancelEvent } from "../../commands/events/cancel-event.ts";
import { holdEvent, previewHold } from "../../commands/events/hold-event.ts";
import { previewPurge, purgeEvents } from "../../commands/events/purge-events.ts";
import { previewSendToPrefix, sendToPrefix } from "../../commands/events/send-to-prefix.ts";
import { previewEvent, sendEvent } from "../../commands/runs/send-event.ts";
import { acceptedCommand } from "../../contract/answers/commands.ts";
import { eventTrigger } from "../../contract/events/event-trigger.ts";
import {
  cancelEventPlan,
  eventsQuery,
  eventStats,
  prefixPlan,
  prefixSent,
  purged,
  purgeEventsBody,
  purgePlan,
  sendEventBody,
  sendPlan,
  sendToPrefixBody,
} from "../../contract/events/events.ts";
import { envelopeOf, projectQuery } from "../../contract/lists.ts";
import { invalid } from "../../errors.ts";
import { answerTo, commanded, envelopeAnswer } from "../answer.ts";
import { route, type Route } from "../route.ts";
import { streamed } from "../streamed.ts";
import { projectOf } from "../../identity/caller.ts";
import { followEvent, getEvent, getEventStats, listEvents } from "../../queries/events.ts";
import { eventKeyProblem } from "../../rules/event-key.ts";

const tag = "Events";

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
    operationId: "listEvents",
    tag,
    summary: "List waits, and events that are held",
    scope: "workflows:read",
    query: eventsQuery,
    returns: { 200: envelopeOf(eventTrigger) },
    handler: async (deps, { caller, query, url }) => {
      const { project_id, status, workflow_run_id: runId, source_type: sourceType, limit, cursor } = query;
      const filter = { status, runId, sourceType, limit, cursor };
      return envelopeAnswer(await listEvents(deps, projectOf(caller, project_id), filter), url);
    },
  }),
  route({
    method: "get",
    path: "/v1/events/stats",
    operationId: "getEventStats",
    tag,
    summary: "Count waits, and events that are held",
    scope: "workflows:read",
    query: projectQuery,
    returns: { 200: eventStats },
    handler: async (deps, { caller, query }) => ({
      body: await getEventStats(deps, projectOf(caller, query.project_id)),
    }),
  }),
  route({
    method: "post",
    path: "/v1/events/purge",
    operationId: "purgeEvents",
    tag,
    summary: "Delete old events that are over",
    scope: "workflows:write",
    ignoresKey: true,
    query: projectQuery,
    body: purgeEventsBody,
    returns: { 200: purged },
    plans: purgePlan,
    plan: (deps, { caller, query, body }) =>
      previewPurge(deps, projectOf(caller, query.project_id), body.older_than_days),
    handler: async (deps, { caller, query, body }) => ({
      body: await purgeEvents(deps, projectOf(caller, query.project_id), body.older_than_days),
    }),
  }),
  route({
    method: "post",
    path: "/v1/events/prefix/:prefix/send",
    operationId: "sendEventToPrefix",
    tag,
    summary: "Send an event to every key with a prefix",
    isBulk: true,
    scope: "workflows:write",
    query: projectQuery,
    body: sendToPrefixBody,
    returns: { 200: prefixSent },
    plans: prefixPlan,
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
    operationId: "getEvent",
    tag,
    summary: "What a key stands for now",
    scope: "workflows:read",
    query: projectQuery,
    returns: { 200: eventTrigger },
    handler: async (deps, { caller, params, query }) => ({
      body: await getEvent(deps, caller, keyOf(params.eventKey), query.project_id),
    }),
  }),
  streamed({
    path: "/v1/events/:eventKey/stream",
    operationId: "streamEvent",
    tag,
    summary: "What a key stands for now, and whenever that changes",
    description:
      "Server-sent events, each a `status` with the trigger as its data. They end once nothing waits or is held, or after 25 s.",
    scope: "workflows:read",
    query: projectQuery,
    returns: { 200: eventTrigger },
    messages: (deps, { caller, params, query }, isOver) =>
      followEvent(deps, caller, keyOf(params.eventKey), query.project_id, isOver),
  }),
  route({
    method: "delete",
    path: "/v1/events/:eventKey",
    operationId: "cancelEvent",
    tag,
    summary: "End the wait for an event, or let go of what is held",
    scope: "workflows:write",
    query: projectQuery,
    returns: commanded(eventTrigger),
    plans: cancelEventPlan,
    plan: (deps, { caller, params, query }) => previewCancelEvent(deps, caller, asked(params, query)),
    handler: async (deps, { caller, params, query, idempotencyKey }) =>
      answerTo(await cancelEvent(deps, caller, { ...asked(params, query), idempotencyKey })),
  }),
  route({
    method: "post",
    path: "/v1/events/:eventKey/send",
    operationId: "sendEvent",
    tag,
    summary: "Send an event to the step that waits for it",
    description: "With `hold_secs`, it is held where nobody waits yet, and that is answered 202.",
    scope: "workflows:write",
    query: projectQuery,
    body: sendEventBody,
    returns: { 200: eventTrigger, 202: z.union([acceptedCommand, eventTrigger]) },
    plans: sendPlan,
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
      const answer = answerTo(sent);
      return "status" in sent && sent.status === "held" ? { ...answer, status: 202 as const } : answer;
    },
  }),
];

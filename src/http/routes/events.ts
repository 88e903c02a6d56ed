import { previewEvent, sendEvent } from "../../commands/runs/send-event.ts";
import type { Json } from "../../contract/json.ts";
import { projectQuery } from "../../contract/lists.ts";
import { dryRun, eventTrigger } from "../../contract/runs.ts";
import { sendEventBody } from "../../contract/verbs.ts";
import { invalid } from "../../errors.ts";
import { answerTo, commanded } from "../answer.ts";
import { route, type Route } from "../route.ts";
import { eventKeyProblem } from "../../rules/event-key.ts";

/** The key is percent-decoded already, also %2F. */
function eventKeyOf({ eventKey }: { eventKey: string }): string {
  const problem = eventKeyProblem(eventKey);
  if (problem !== undefined) throw invalid("event key", problem);
  return eventKey;
}

const sendingOf = (
  params: { eventKey: string },
  { project_id }: { project_id?: string },
  { payload }: { payload?: Json },
) => ({
  eventKey: eventKeyOf(params),
  payload,
  projectId: project_id,
});

export const eventRoutes: Route[] = [
  route({
    method: "post",
    path: "/v1/events/:eventKey/send",
    operationId: "sendEvent",
    tag: "Events",
    summary: "Resolve the step that waits for an event",
    scope: "workflows:write",
    query: projectQuery,
    body: sendEventBody,
    returns: commanded(eventTrigger),
    plans: dryRun,
    plan: (deps, { caller, params, query, body }) => previewEvent(deps, caller, sendingOf(params, query, body)),
    handler: async (deps, { caller, params, query, body, idempotencyKey }) =>
      answerTo(await sendEvent(deps, caller, { ...sendingOf(params, query, body), idempotencyKey })),
  }),
];

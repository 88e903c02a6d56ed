import type { z } from "zod";
import type { Accepted } from "../../commands/accepted.ts";
import { previewSteering, type Steered, type Steering, steerRun } from "../../commands/runs/steer-run.ts";
import { approveBody, dryRunQuery, reasonBody, resultBody, retryBody } from "../../contract/verbs.ts";
import { answerTo } from "../answer.ts";
import { type Route, route } from "../route.ts";
import { knownId } from "../validation.ts";
import type { Verb } from "../../../workflows/engine/command.ts";
import type { RecoveryVerb } from "../../../workflows/engine/recovery/rule.ts";

export const runIdOf = (params: { workflowRunID: string }) => knownId(params.workflowRunID, "workflow run not found");

type Done = Exclude<Steered, Accepted>;
const theRun = ({ run }: Done) => run;
const theStep = ({ step_run }: Done) => ({ step_run });
const theGate = ({ step_run, approval }: Done) => ({ step_run, approval });
const theCount = ({ reset_steps }: Done) => ({ reset_steps });

/** The verbs that steer an open run; retry and replay-subtree of a step also reopen a closed one. */
export const steeringRoutes: Route[] = [
  ofRun("pause"),
  ofRun("resume"),
  recovery("retry", retryBody, (payloads) => ({ payloads }), theStep),
  recovery("replay-subtree", retryBody, (payloads) => ({ payloads }), theCount),
  route({
    method: "post",
    path: "/v1/workflow-runs/:workflowRunID/steps/:stepRef/approve",
    scope: "workflows:write",
    orScope: "approvals:decide",
    body: approveBody,
    handler: async (deps, { caller, params, idempotencyKey }) =>
      answerTo(await steerRun(deps, caller, { ...stepOf(params), verb: "approve", idempotencyKey }), theGate),
  }),
  route({
    method: "post",
    path: "/v1/workflow-runs/:workflowRunID/steps/:stepRef/reject",
    scope: "workflows:write",
    orScope: "approvals:decide",
    body: reasonBody,
    handler: async (deps, { caller, params, body, idempotencyKey }) =>
      answerTo(
        await steerRun(deps, caller, { ...stepOf(params), verb: "reject", reason: body.reason, idempotencyKey }),
        theGate,
      ),
  }),
  recovery("skip", reasonBody, ({ reason }) => ({ reason }), theStep),
  recovery("force-complete", resultBody, ({ result }) => ({ result }), theStep),
];

function stepOf(params: { workflowRunID: string; stepRef: string }) {
  return { runId: runIdOf(params), stepRef: params.stepRef };
}

function ofRun(verb: "pause" | "resume"): Route {
  return route({
    method: "post",
    path: `/v1/workflow-runs/:workflowRunID/${verb}`,
    scope: "workflows:write",
    handler: async (deps, { caller, params, idempotencyKey }) =>
      answerTo(await steerRun(deps, caller, { runId: runIdOf(params), verb, idempotencyKey }), theRun),
  });
}

/** With `dryRun=true` it answers what it would do to every step, and does nothing. */
function recovery<Body>(
  verb: RecoveryVerb & Verb,
  body: z.ZodType<Body>,
  said: (body: Body) => Partial<Steering>,
  show: (done: Done) => unknown,
): Route {
  return route({
    method: "post",
    path: `/v1/workflow-runs/:workflowRunID/steps/:stepRef/${verb}`,
    scope: "workflows:write",
    query: dryRunQuery,
    body,
    handler: async (deps, { caller, params, query, body, idempotencyKey }) => {
      const steering = { ...stepOf(params), ...said(body), verb };
      if (query.dryRun) return { body: await previewSteering(deps, caller, steering) };
      return answerTo(await steerRun(deps, caller, { ...steering, idempotencyKey }), show);
    },
  });
}

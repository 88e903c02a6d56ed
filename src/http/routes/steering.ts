import { type Steered, steerRun } from "../../commands/steer-run.ts";
import { approveBody, reasonBody, resultBody } from "../../contract/verbs.ts";
import { answerTo } from "../accepted.ts";
import { knownId } from "../path-ids.ts";
import { type Route, route } from "../route.ts";

export const runIdOf = (params: { workflowRunID: string }) => knownId(params.workflowRunID, "workflow run not found");

type Done = Exclude<Steered, { accepted: string }>;
const theRun = ({ run }: Done) => run;
const theStep = ({ step_run }: Done) => ({ step_run });
const theGate = ({ step_run, approval }: Done) => ({ step_run, approval });
const theCount = ({ reset_steps }: Done) => ({ reset_steps });

/** The verbs that steer an open run; retry and replay-subtree of a step also reopen a closed one. */
export const steeringRoutes: Route[] = [
  ofRun("pause"),
  ofRun("resume"),
  ofStep("retry", theStep),
  ofStep("replay-subtree", theCount),
  route({
    method: "post",
    path: "/v1/workflow-runs/:workflowRunID/steps/:stepRef/approve",
    scope: "workflows:write",
    body: approveBody,
    handler: async (deps, { caller, params, idempotencyKey }) =>
      answerTo(await steerRun(deps, caller, { ...stepOf(params), verb: "approve", idempotencyKey }), theGate),
  }),
  route({
    method: "post",
    path: "/v1/workflow-runs/:workflowRunID/steps/:stepRef/reject",
    scope: "workflows:write",
    body: reasonBody,
    handler: async (deps, { caller, params, body, idempotencyKey }) =>
      answerTo(
        await steerRun(deps, caller, { ...stepOf(params), verb: "reject", reason: body.reason, idempotencyKey }),
        theGate,
      ),
  }),
  route({
    method: "post",
    path: "/v1/workflow-runs/:workflowRunID/steps/:stepRef/skip",
    scope: "workflows:write",
    body: reasonBody,
    handler: async (deps, { caller, params, body, idempotencyKey }) =>
      answerTo(
        await steerRun(deps, caller, { ...stepOf(params), verb: "skip", reason: body.reason, idempotencyKey }),
        theStep,
      ),
  }),
  route({
    method: "post",
    path: "/v1/workflow-runs/:workflowRunID/steps/:stepRef/force-complete",
    scope: "workflows:write",
    body: resultBody,
    handler: async (deps, { caller, params, body, idempotencyKey }) =>
      answerTo(
        await steerRun(deps, caller, {
          ...stepOf(params),
          verb: "force-complete",
          result: body.result,
          idempotencyKey,
        }),
        theStep,
      ),
  }),
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

function ofStep(verb: "retry" | "replay-subtree", show: (done: Done) => unknown): Route {
  return route({
    method: "post",
    path: `/v1/workflow-runs/:workflowRunID/steps/:stepRef/${verb}`,
    scope: "workflows:write",
    handler: async (deps, { caller, params, idempotencyKey }) =>
      answerTo(await steerRun(deps, caller, { ...stepOf(params), verb, idempotencyKey }), show),
  });
}

import type { z } from "zod";
import type { Accepted } from "../../commands/accepted.ts";
import { previewSteering, type Steered, type Steering, steerRun } from "../../commands/runs/steer-run.ts";
import type { Json } from "../../contract/json.ts";
import { approveBody, reasonBody, resultBody, retryBody } from "../../contract/verbs.ts";
import { IGNORED, sent } from "../../contract/without-effect.ts";
import { answerTo } from "../answer.ts";
import { type Route, route } from "../route.ts";
import { knownId } from "../validation.ts";
import type { Scope } from "../../identity/caller.ts";
import type { Verb } from "../../../workflows/engine/command.ts";

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
  ofStep("retry", retryBody, (payloads) => ({ payloads }), theStep),
  ofStep("replay-subtree", retryBody, (payloads) => ({ payloads }), theCount),
  ofStep("approve", approveBody, () => ({}), theGate, { orScope: "approvals:decide", ignores: sent(IGNORED.approve) }),
  ofStep("reject", reasonBody, ({ reason }) => ({ reason }), theGate, { orScope: "approvals:decide" }),
  ofStep("skip", reasonBody, ({ reason }) => ({ reason }), theStep),
  ofStep("force-complete", resultBody, ({ result }) => ({ result }), theStep),
];

function ofRun(verb: "pause" | "resume"): Route {
  return route({
    method: "post",
    path: `/v1/workflow-runs/:workflowRunID/${verb}`,
    scope: "workflows:write",
    plan: (deps, { caller, params }) => previewSteering(deps, caller, { runId: runIdOf(params), verb }),
    handler: async (deps, { caller, params, idempotencyKey }) =>
      answerTo(await steerRun(deps, caller, { runId: runIdOf(params), verb, idempotencyKey }), theRun),
  });
}

function ofStep<Body>(
  verb: Verb,
  body: z.ZodType<Body>,
  given: (body: Body) => Partial<Steering>,
  show: (done: Done) => unknown,
  more: { orScope?: Scope; ignores?: (given: Json | undefined) => string[] } = {},
): Route {
  const steering = (params: { workflowRunID: string; stepRef: string }, body: Body): Steering => ({
    runId: runIdOf(params),
    stepRef: params.stepRef,
    ...given(body),
    verb,
  });
  return route({
    method: "post",
    path: `/v1/workflow-runs/:workflowRunID/steps/:stepRef/${verb}`,
    scope: "workflows:write",
    body,
    ...more,
    plan: (deps, { caller, params, body }) => previewSteering(deps, caller, steering(params, body)),
    handler: async (deps, { caller, params, body, idempotencyKey }) =>
      answerTo(await steerRun(deps, caller, { ...steering(params, body), idempotencyKey }), show),
  });
}

import type { z } from "zod";
import type { Accepted } from "../../commands/accepted.ts";
import { previewSteering, type Steered, type Steering, steerRun } from "../../commands/runs/steer-run.ts";
import type { Json } from "../../contract/json.ts";
import { type Approval, dryRun, type StepRun, workflowRun } from "../../contract/runs.ts";
import {
  approveBody,
  chooseBody,
  commentBody,
  decidedGate,
  emptyBody,
  extendBody,
  reasonBody,
  reassignBody,
  rejectBody,
  resetSteps,
  resultBody,
  retryBody,
  steppedRun,
} from "../../contract/verbs.ts";
import { IGNORED, sent } from "../../contract/without-effect.ts";
import { answerTo, commanded } from "../answer.ts";
import { type Route, route } from "../route.ts";
import type { Scope } from "../../identity/caller.ts";
import type { Verb } from "../../../workflows/engine/command.ts";

type Done = Exclude<Steered, Accepted>;
const theRun = ({ run }: Done) => run;
// A verb of a step shows that step, and one that decides a gate the gate.
const theStep = ({ step_run }: Done) => ({ step_run: step_run as StepRun });
const theGate = ({ step_run, approval }: Done) => ({ step_run: step_run as StepRun, approval: approval as Approval });
const theCount = ({ reset_steps = 0 }: Done) => ({ reset_steps });

const MAY_DECIDE = { orScope: "approvals:decide" } as const;

/** The verbs that steer an open run; retry and replay-subtree of a step also reopen a closed one. */
export const steeringRoutes: Route[] = [
  ofRun("pause", { operationId: "pauseWorkflowRun", summary: "Hold back new steps" }, reasonBody),
  ofRun("resume", { operationId: "resumeWorkflowRun", summary: "Let new steps start again" }),
  ofStep(
    "retry",
    { operationId: "retryWorkflowRunStep", summary: "Run an ended step again" },
    { body: retryBody, said: (payloads) => ({ payloads }), shows: steppedRun, show: theStep },
  ),
  ofStep(
    "replay-subtree",
    { operationId: "replayWorkflowRunSubtree", summary: "Run a step and everything after it again" },
    { body: retryBody, said: (payloads) => ({ payloads }), shows: resetSteps, show: theCount },
  ),
  ofStep(
    "approve",
    { operationId: "approveWorkflowRunStep", summary: "Approve a gate", ...MAY_DECIDE },
    {
      body: approveBody,
      said: ({ approver: _, ...said }) => said,
      shows: decidedGate,
      show: theGate,
      ignores: sent(IGNORED.approve),
    },
  ),
  ofStep(
    "choose",
    { operationId: "chooseWorkflowRunStepOption", summary: "Choose an option of a gate", ...MAY_DECIDE },
    { body: chooseBody, said: (body) => body, shows: decidedGate, show: theGate },
  ),
  ofStep(
    "reject",
    { operationId: "rejectWorkflowRunStep", summary: "Reject a gate", ...MAY_DECIDE },
    { body: rejectBody, said: (body) => body, shows: decidedGate, show: theGate },
  ),
  ofStep(
    "withdraw",
    { operationId: "withdrawWorkflowRunStepVote", summary: "Take back your vote on a gate", ...MAY_DECIDE },
    { body: emptyBody, said: () => ({}), shows: decidedGate, show: theGate },
  ),
  ofStep(
    "comment",
    { operationId: "commentWorkflowRunStep", summary: "Say something on a gate, without deciding it", ...MAY_DECIDE },
    { body: commentBody, said: (body) => body, shows: decidedGate, show: theGate },
  ),
  ofStep(
    "reassign",
    { operationId: "reassignWorkflowRunStep", summary: "Say who decides a gate from now on", ...MAY_DECIDE },
    { body: reassignBody, said: (body) => body, shows: decidedGate, show: theGate },
  ),
  ofStep(
    "extend",
    { operationId: "extendWorkflowRunStep", summary: "Give a gate more time", ...MAY_DECIDE },
    { body: extendBody, said: (body) => body, shows: decidedGate, show: theGate },
  ),
  ofStep(
    "skip",
    { operationId: "skipWorkflowRunStep", summary: "Pass over a step that has not run" },
    { body: reasonBody, said: ({ reason }) => ({ reason }), shows: steppedRun, show: theStep },
  ),
  ofStep(
    "force-complete",
    { operationId: "forceCompleteWorkflowRunStep", summary: "Complete a step that has not run, with an output" },
    { body: resultBody, said: ({ result }) => ({ result }), shows: steppedRun, show: theStep },
  ),
];

/** What the document says of a verb. */
type Told = Pick<Route, "operationId" | "summary">;

function ofRun(verb: "pause" | "resume", told: Told, body?: z.ZodType<{ reason?: string }>): Route {
  const steering = (runId: string, { reason }: { reason?: string }): Steering => ({ runId, verb, reason });
  return route({
    ...told,
    method: "post",
    path: `/v1/workflow-runs/:workflowRunID/${verb}`,
    tag: "Workflow runs",
    scope: "workflows:write",
    body,
    returns: commanded(workflowRun),
    plans: dryRun,
    plan: (deps, { caller, params, body }) => previewSteering(deps, caller, steering(params.workflowRunID, body)),
    handler: async (deps, { caller, params, body, idempotencyKey }) =>
      answerTo(await steerRun(deps, caller, { ...steering(params.workflowRunID, body), idempotencyKey }), theRun),
  });
}

interface StepVerb<Body, Shown> {
  body: z.ZodType<Body>;
  /** What the body says to the run. */
  said: (body: Body) => Partial<Steering>;
  shows: z.ZodType<Shown>;
  show: (done: Done) => Shown;
  ignores?: (given: Json | undefined) => string[];
}

function ofStep<Body, Shown>(
  verb: Verb,
  told: Told & { orScope?: Scope },
  { body, said, shows, show, ignores }: StepVerb<Body, Shown>,
): Route {
  const steering = (params: { workflowRunID: string; stepRef: string }, body: Body): Steering => ({
    runId: params.workflowRunID,
    stepRef: params.stepRef,
    ...said(body),
    verb,
  });
  return route({
    ...told,
    method: "post",
    path: `/v1/workflow-runs/:workflowRunID/steps/:stepRef/${verb}`,
    tag: "Steps",
    scope: "workflows:write",
    body,
    ignores,
    returns: commanded(shows),
    plans: dryRun,
    plan: (deps, { caller, params, body }) => previewSteering(deps, caller, steering(params, body)),
    handler: async (deps, { caller, params, body, idempotencyKey }) =>
      answerTo(await steerRun(deps, caller, { ...steering(params, body), idempotencyKey }), show),
  });
}

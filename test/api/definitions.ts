import { v7 as uuid } from "uuid";
import { expect } from "vitest";
import type { Job } from "../../src/contract/jobs/jobs.ts";
import { stringifyJson } from "../../src/contract/json.ts";
import type { RunStatus, StepRun, StepStatus, WorkflowRun } from "../../src/contract/runs.ts";
import type { Workflow } from "../../src/contract/workflows.ts";
import type { RequestOptions, Stack } from "../stack/harness.ts";
import { until } from "../stack/until.ts";

/** A step as a client writes it. */
export type Step = Record<string, unknown>;

let made = 0;
const newSlug = () => `made-${++made}`;

/** What the API answers, which has to be a success. */
export async function ok<Body>(
  stack: Stack,
  method: string,
  path: string,
  body?: unknown,
  options?: RequestOptions,
): Promise<Body> {
  const answer = await stack.request<Body>(method, path, body, options);
  expect(answer.status, `${method} ${path}: ${stringifyJson(answer.body)}`).toBeLessThan(300);
  return answer.body;
}

/** A job that calls `path` of the stack's endpoint. */
export const createJob = (stack: Stack, path = "/work", over: Step = {}): Promise<Job> =>
  ok(stack, "POST", "/v1/jobs", {
    name: path,
    slug: newSlug(),
    endpoint_url: stack.jobs.url(path),
    max_attempts: 1,
    ...over,
  });

export const createWorkflow = (stack: Stack, steps: Step[], over: Step = {}): Promise<Workflow> =>
  ok(stack, "POST", "/v1/workflows", { name: "made for a test", slug: newSlug(), steps, ...over });

/** Asks for a workflow of these steps, whatever it is answered, on a stack that is made later. */
export const createOn = (stack: () => Stack) => (steps: Step[]) =>
  stack().request<Workflow>("POST", "/v1/workflows", { name: "w", slug: uuid(), steps });

export const trigger = (stack: Stack, workflow: Workflow, body: unknown = {}): Promise<WorkflowRun> =>
  ok(stack, "POST", `/v1/workflows/${workflow.id}/trigger`, body);

/** A fresh run of a workflow of these steps. */
export async function runOf(stack: Stack, steps: Step[], over: Step = {}, body: unknown = {}): Promise<WorkflowRun> {
  return trigger(stack, await createWorkflow(stack, steps, over), body);
}

export const gate = (step_ref: string, over: Step = {}): Step => ({
  step_ref,
  step_type: "approval",
  approval_approvers: ["ada"],
  ...over,
});
export const wait = (step_ref: string, event_key: string, over: Step = {}): Step => ({
  step_ref,
  step_type: "wait_for_event",
  event_key,
  ...over,
});
export const work = (step_ref: string, job: Job, over: Step = {}): Step => ({ step_ref, job_id: job.id, ...over });

export const getRun = (stack: Stack, run: WorkflowRun): Promise<WorkflowRun> =>
  ok(stack, "GET", `/v1/workflow-runs/${run.id}`);
export const getSteps = (stack: Stack, run: WorkflowRun): Promise<StepRun[]> =>
  ok(stack, "GET", `/v1/workflow-runs/${run.id}/steps`);

export async function getStep(stack: Stack, run: WorkflowRun, ref: string): Promise<StepRun> {
  const step = (await getSteps(stack, run)).find(({ step_ref }) => step_ref === ref);
  if (!step) throw new Error(`no step ${ref} in run ${run.id}`);
  return step;
}

/** The run as the project's list shows it, which comes from Postgres and not from the run. */
export async function listed(stack: Stack, run: WorkflowRun): Promise<WorkflowRun | undefined> {
  const runs = await ok<WorkflowRun[]>(stack, "GET", "/v1/workflow-runs?limit=100");
  return runs.find(({ id }) => id === run.id);
}

export const reaches = (stack: Stack, run: WorkflowRun, status: RunStatus): Promise<WorkflowRun> =>
  until(async () => {
    const now = await getRun(stack, run);
    return now.status === status && now;
  });

export const stepReaches = (stack: Stack, run: WorkflowRun, ref: string, status: StepStatus): Promise<StepRun> =>
  until(async () => {
    const step = await getStep(stack, run, ref);
    return step.status === status && step;
  });

/** A gate waits for its approval, or a wait for its event. Both are `waiting` before they open, too. */
export const opens = (stack: Stack, run: WorkflowRun, ref: string): Promise<StepRun> =>
  until(async () => {
    const step = await getStep(stack, run, ref);
    return step.status === "waiting" && step.started_at !== undefined && step;
  });

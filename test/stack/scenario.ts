import { tsToMs } from "@temporalio/common/lib/time.js";
import type { Job } from "../../src/contract/jobs/jobs.ts";
import type { JobRun } from "../../src/contract/jobs/runs.ts";
import type { Json } from "../../src/contract/json.ts";
import type { StepRun, WorkflowRun } from "../../src/contract/runs.ts";
import type { Workflow } from "../../src/contract/workflows.ts";
import type { Answered, RequestOptions, Stack } from "./harness.ts";
import { until } from "./until.ts";

/** A step as a client writes it. `calls` stands for the job of that path of the stack's job endpoint. */
export type StepDraft = { step_ref: string; calls?: string } & Record<string, unknown>;

const OVER = ["completed", "failed", "timed_out", "canceled"];

/** What a test tells of: definitions made and runs played through the API, as ada unless said otherwise. */
export function scenarioOn({ request, jobs, deps }: Stack) {
  const jobIds = new Map<string, Promise<string>>();
  let made = 0;

  const ok = async <Body>(method: string, path: string, body?: unknown): Promise<Body> => {
    const answered = await request<Body>(method, path, body);
    if (answered.status > 299)
      throw new Error(`${method} ${path} answered ${answered.status} ${JSON.stringify(answered.body)}`);
    return answered.body;
  };
  const runPath = (id: string) => `/v1/workflow-runs/${id}`;

  const scenario = {
    /** The id of a job that calls this path, the same one each time. `fields` count the first time. */
    job(path: string, fields: object = {}): Promise<string> {
      const slug = `job-${jobIds.size + 1}`;
      const draft = { project_id: "demo", name: path, slug, endpoint_url: jobs.url(path), max_attempts: 1, ...fields };
      const id = jobIds.get(path) ?? ok<Job>("POST", "/v1/jobs", draft).then((job) => job.id);
      jobIds.set(path, id);
      return id;
    },

    async workflow(steps: StepDraft[], fields: object = {}): Promise<Workflow> {
      const drafts = steps.map(async ({ calls, ...step }) =>
        calls ? { ...step, job_id: await scenario.job(calls) } : step,
      );
      const slug = `workflow-${++made}`;
      const draft = { project_id: "demo", name: slug, slug, ...fields, steps: await Promise.all(drafts) };
      return ok("POST", "/v1/workflows", draft);
    },

    trigger: (workflow: { id: string }, body: object = {}) =>
      ok<WorkflowRun>("POST", `/v1/workflows/${workflow.id}/trigger`, body),

    /** A run of a workflow made for it. */
    async start(steps: StepDraft[], body: object = {}, fields: object = {}): Promise<WorkflowRun> {
      return scenario.trigger(await scenario.workflow(steps, fields), body);
    },

    run: ({ id }: { id: string }) => ok<WorkflowRun>("GET", runPath(id)),
    /** Of a workflow, newest first. */
    runsOf: ({ id }: { id: string }) => ok<WorkflowRun[]>("GET", `/v1/workflows/${id}/runs`),
    steps: ({ id }: { id: string }) => ok<StepRun[]>("GET", `${runPath(id)}/steps`),

    async step(run: { id: string }, ref: string): Promise<StepRun> {
      const found = (await scenario.steps(run)).find(({ step_ref }) => step_ref === ref);
      if (!found) throw new Error(`run ${run.id} has no step ${ref}`);
      return found;
    },

    /** Status by step_ref. */
    async statuses(run: { id: string }): Promise<Record<string, string>> {
      return Object.fromEntries((await scenario.steps(run)).map(({ step_ref, status }) => [step_ref, status]));
    },

    /** A verb of a run (`pause`) or of a step of it (`approve`, with `ref`), whatever it is answered. */
    steer<Body = { error?: string }>(
      { id }: { id: string },
      verb: string,
      ref?: string,
      body?: Json,
      options?: RequestOptions,
    ): Promise<Answered<Body>> {
      const path = ref === undefined ? "" : `/steps/${encodeURIComponent(ref)}`;
      return request("POST", `${runPath(id)}${path}/${verb}`, body, options);
    },

    cancel: ({ id }: { id: string }) => ok<WorkflowRun>("DELETE", runPath(id)),
    send: (key: string, payload?: Json) => request("POST", `/v1/events/${encodeURIComponent(key)}/send`, { payload }),

    /** Waits until the step has the status, and has started. */
    opens: (run: { id: string }, ref: string, status = "waiting"): Promise<StepRun> =>
      until(async () => {
        const step = await scenario.step(run, ref);
        return step.status === status && step.started_at !== undefined && step;
      }),

    /** Waits until a wait_for_event step can be sent to by its key. */
    async sends(key: string, payload?: Json): Promise<void> {
      await until(async () => (await scenario.send(key, payload)).status === 200);
    },

    /** Waits until Temporal has nothing to do for the run: a worker that is stopped then leaves no task behind half-done. */
    async rests({ id }: { id: string }): Promise<void> {
      await until(async () => {
        const { raw } = await deps.temporal.workflow.getHandle(id).describe();
        return !raw.pendingWorkflowTask && !raw.pendingActivities?.length;
      });
    },

    /**
     * For how many seconds each of the run's durable timers was set, from the beginning of its workflow task on. Without those
     * of ten years, which have no effect.
     */
    async timers({ id }: { id: string }): Promise<number[]> {
      const { events } = await deps.temporal.workflow.getHandle(id).fetchHistory();
      const all = (events ?? []).flatMap(({ timerStartedEventAttributes: timer }) =>
        timer ? [tsToMs(timer.startToFireTimeout) / 1000] : [],
      );
      return all.filter((secs) => secs < 3650 * 86_400);
    },

    /** The one run of a workflow, once it is there and at its first step. */
    async onlyRunOf(workflow: { id: string }, step: string, status?: string): Promise<WorkflowRun> {
      const run = await until(async () => (await scenario.runsOf(workflow))[0]);
      await scenario.opens(run, step, status);
      return run;
    },

    /** Waits until the run has the status. One that was over may be so again. */
    becomes: (run: { id: string }, status: string): Promise<WorkflowRun> =>
      until(async () => {
        const now = await scenario.run(run);
        return now.status === status && now;
      }),

    /** Waits for a job run's end, as the mirror has it. */
    endedJobRun: (id = ""): Promise<JobRun> =>
      until(async () => {
        const now = await ok<JobRun>("GET", `/v1/runs/${id}`);
        return now.finished_at !== undefined && now;
      }),

    /** Waits for the run's end and returns it. */
    ends: (run: { id: string }): Promise<WorkflowRun> =>
      until(async () => {
        const now = await scenario.run(run);
        return OVER.includes(now.status) && now;
      }),
  };
  return scenario;
}

export type Scenario = ReturnType<typeof scenarioOn>;

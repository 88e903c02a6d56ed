import { readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { type Client, connect, type Job, type Workflow } from "../client/index.ts";

interface Example {
  jobs: { slug: string; name: string; endpoint_url: string; timeout_secs: number }[];
  workflow: { name: string; slug: string; steps: { step_ref: string; job_id?: string }[] };
  /** To trigger it with. */
  payload: object;
}

type Named = { id: string; slug: string };

const PROJECT = "demo";
const OPEN = ["pending", "running", "paused"];
/** Marks the run that is left waiting, so that the next start finds it. */
const WAITING = { waiting: "example" };

export const examples = {
  "release-train": readExample("release-train"),
  "invoice-approval": readExample("invoice-approval"),
};

/**
 * Puts the example jobs and workflows into the project `demo`, through the REST API only, and leaves one release train
 * waiting for its approval. What an earlier start created is found and used again.
 */
export async function loadExamples(options: {
  apiUrl: string;
  token: string;
  jobsUrl: string;
  log: (line: string) => void;
}): Promise<{ workflows: Named[]; waitingRunId: string }> {
  const { apiUrl, token, jobsUrl, log } = options;
  const client = connect(apiUrl, token);
  const query = { project_id: PROJECT };
  const jobs = new Map<string, Job>();
  for await (const job of client.listJobs.items({ query })) jobs.set(job.slug, job);
  const known = new Map<string, Workflow>();
  for await (const workflow of client.listWorkflows.items({ query })) known.set(workflow.slug, workflow);

  const workflows: Named[] = [];
  for (const { jobs: needed, workflow } of Object.values(examples)) {
    for (const job of needed) {
      const body = { ...job, project_id: PROJECT, endpoint_url: `${jobsUrl}${job.endpoint_url}` };
      const found = jobs.get(job.slug) ?? (await client.createJob({ body }));
      if (found.endpoint_url !== body.endpoint_url)
        log(`Job ${job.slug} calls ${found.endpoint_url}, where no example job server listens now.`);
      jobs.set(job.slug, found);
    }
    // Definition files name jobs by slug, which the API knows by id.
    const steps = workflow.steps.map((step) => (step.job_id ? { ...step, job_id: jobs.get(step.job_id)?.id } : step));
    const found =
      known.get(workflow.slug) ?? (await client.createWorkflow({ body: { ...workflow, steps, project_id: PROJECT } }));
    workflows.push({ id: found.id, slug: found.slug });
  }

  const releaseTrain = workflows.find(({ slug }) => slug === "release-train") as Named;
  return { workflows, waitingRunId: await waitingRun(client, releaseTrain) };
}

/** Where whoever has the token decides the waiting run's approval. Undefined: it does not wait for them yet. */
export async function linkToDecide(options: { apiUrl: string; token: string; waitingRunId: string }) {
  const path = { workflowRunID: options.waitingRunId, stepRef: "approval" };
  const link = connect(options.apiUrl, options.token).createApprovalLink({ path, body: {} });
  return link.then(
    ({ url }) => url,
    () => undefined,
  );
}

async function waitingRun(client: Client, releaseTrain: Named): Promise<string> {
  const query = { project_id: PROJECT, tag_key: "waiting", tag_value: WAITING.waiting };
  for await (const run of client.listWorkflowRuns.items({ query })) if (OPEN.includes(run.status)) return run.id;

  // Ten times as quick, since someone waits for it.
  const payload = { ...examples["release-train"].payload, pace: 0.1 };
  const path = { workflowID: releaseTrain.id };
  const { id } = await client.triggerWorkflow({ path, body: { payload, tags: WAITING } });
  await untilWaiting(client, id);
  return id;
}

/** Returns once the approval is open, so that an approve pasted right away is not too early. */
async function untilWaiting(client: Client, workflowRunID: string): Promise<void> {
  for (const giveUp = Date.now() + 30_000; Date.now() < giveUp; await sleep(50)) {
    const { data } = await client.listWorkflowRunSteps({ path: { workflowRunID } });
    if (data.some((step) => step.step_ref === "approval" && step.started_at !== undefined)) return;
  }
}

function readExample(name: string): Example {
  return JSON.parse(readFileSync(new URL(`${name}.json`, import.meta.url), "utf8")) as Example;
}

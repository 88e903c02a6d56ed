import { readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { all, type Rest, restClient } from "./rest-client.ts";
import type { StepRun, WorkflowRun } from "../src/contract/runs.ts";

interface Example {
  jobs: { slug: string; name: string; endpoint_url: string; timeout_secs: number }[];
  workflow: { slug: string; steps: { step_ref: string; job_id?: string }[] };
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
  const rest = restClient(apiUrl, token);
  const jobs = new Map(
    (await all<Named & { endpoint_url: string }>(rest, "/v1/jobs", { project_id: PROJECT })).map((job) => [
      job.slug,
      job,
    ]),
  );
  const known = new Map(
    (await all<Named>(rest, "/v1/workflows", { project_id: PROJECT })).map((workflow) => [workflow.slug, workflow]),
  );

  const workflows: Named[] = [];
  for (const { jobs: needed, workflow } of Object.values(examples)) {
    for (const job of needed) {
      const body = { ...job, project_id: PROJECT, endpoint_url: `${jobsUrl}${job.endpoint_url}` };
      const found = jobs.get(job.slug) ?? (await rest<Named & { endpoint_url: string }>("POST", "/v1/jobs", body));
      if (found.endpoint_url !== body.endpoint_url)
        log(`Job ${job.slug} calls ${found.endpoint_url}, where no example job server listens now.`);
      jobs.set(job.slug, found);
    }
    // Definition files name jobs by slug, which the API knows by id.
    const steps = workflow.steps.map((step) => (step.job_id ? { ...step, job_id: jobs.get(step.job_id)?.id } : step));
    const found =
      known.get(workflow.slug) ??
      (await rest<Named>("POST", "/v1/workflows", { ...workflow, steps, project_id: PROJECT }));
    workflows.push({ id: found.id, slug: found.slug });
  }

  const releaseTrain = workflows.find(({ slug }) => slug === "release-train") as Named;
  return { workflows, waitingRunId: await waitingRun(rest, releaseTrain) };
}

async function waitingRun(rest: Rest, releaseTrain: Named): Promise<string> {
  const marked = await all<WorkflowRun>(rest, "/v1/workflow-runs", {
    project_id: PROJECT,
    tag_key: "waiting",
    tag_value: WAITING.waiting,
  });
  const open = marked.find((run) => OPEN.includes(run.status));
  if (open !== undefined) return open.id;

  const { payload } = examples["release-train"];
  const run = await rest<WorkflowRun>("POST", `/v1/workflows/${releaseTrain.id}/trigger`, { payload, tags: WAITING });
  await untilWaiting(rest, run.id);
  return run.id;
}

/** Returns once the approval is open, so that an approve pasted right away is not too early. */
async function untilWaiting(rest: Rest, runId: string): Promise<void> {
  for (const giveUp = Date.now() + 30_000; Date.now() < giveUp; await sleep(200)) {
    const steps = await rest<StepRun[]>("GET", `/v1/workflow-runs/${runId}/steps`);
    if (steps.some((step) => step.step_ref === "approval" && step.started_at !== undefined)) return;
  }
}

function readExample(name: string): Example {
  return JSON.parse(readFileSync(new URL(`${name}.json`, import.meta.url), "utf8")) as Example;
}

import type { Product } from "../../bench/product.ts";

/** Enough that some are left when others have been canceled or deleted. */
const EACH = 12;
const APPROVER = "bench";

/** Runs in several states and what they are of, by what a parameter asks for. */
export async function seed({ rest, createJob, createWorkflow, trigger, completed }: Product) {
  const many = <Made>(make: (nth: number) => Promise<Made>) =>
    Promise.all(Array.from({ length: EACH }, (_, n) => make(n)));
  const post = (path: string, body: object = {}) => rest<{ id: string }>("POST", path, body);
  const verb = (run: string, path: string) => post(`/v1/workflow-runs/${run}/${path}`);

  const jobs = await many((nth) => createJob(["", "delay=30000", "fail"][nth % 3] ?? ""));
  const workflows = await many((nth) =>
    createWorkflow([
      { step_ref: "review", step_type: "approval", approval_approvers: [APPROVER] },
      { step_ref: "paid", step_type: "wait_for_event", event_key: "{{payload.key}}", depends_on: ["review"] },
      { step_ref: "charge", job_id: jobs[nth], depends_on: ["paid"] },
    ]),
  );
  const [workflow = ""] = workflows;
  const reviewed = await many((nth) => trigger(workflow, { key: `review-${nth}` }));
  const paused = await many((nth) => trigger(workflow, { key: `paused-${nth}` }));
  await Promise.all(paused.map((run) => verb(run, "pause")));
  const awaited = await many((nth) => trigger(workflow, { key: `order-${nth}` }));
  await Promise.all(awaited.map((run) => verb(run, "steps/review/approve")));
  const ended = await many((nth) => trigger(workflow, { key: `ended-${nth}` }));
  await Promise.all(ended.map((run, nth) => verb(run, nth % 3 === 0 ? "steps/review/approve" : "steps/review/reject")));
  await many((nth) => post(`/v1/events/ended-${nth}/send`, { hold_secs: 3600 }));
  await completed(ended[0] ?? "");
  const jobRuns = await many((nth) => post(`/v1/jobs/${jobs[nth]}/trigger`));
  const asked = { project_id: "bench", operation: "resume", ids: reviewed, max_per_second: 1 };
  const operations = await many(() => post("/v1/bulk-operations", asked));
  const versions = await Promise.all(workflows.map((id) => rest<{ version_id: string }>("GET", `/v1/workflows/${id}`)));
  return {
    workflow: workflows,
    version: versions.map(({ version_id }) => version_id),
    workflow_run: [...reviewed, ...paused, ...awaited, ...ended],
    step: ["review", "paid", "charge"],
    job: jobs,
    run: jobRuns.map(({ id }) => id),
    operation: operations.map(({ id }) => id),
    event: awaited.map((_, nth) => `order-${nth}`),
  };
}

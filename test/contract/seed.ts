import type { Product } from "../../bench/product.ts";

/** Enough that some are left when others have been canceled or deleted. */
const EACH = 12;
const APPROVER = "bench";

/** Runs in several states and what they are of, by what a parameter asks for. */
export async function seed({ client, createJob, createWorkflow, trigger, approve, completed }: Product) {
  const many = <Made>(make: (nth: number) => Promise<Made>) =>
    Promise.all(Array.from({ length: EACH }, (_, nth) => make(nth)));
  const pathTo = (workflowRunID: string) => ({ workflowRunID, stepRef: "gate" });

  const jobs = await many((nth) => createJob(["", "delay=30000", "fail"][nth % 3] ?? ""));
  const workflows = await many((nth) =>
    createWorkflow([
      { step_ref: "gate", step_type: "approval", approval_approvers: [APPROVER] },
      { step_ref: "paid", step_type: "wait_for_event", event_key: "{{payload.key}}", depends_on: ["gate"] },
      { step_ref: "charge", job_id: jobs[nth], depends_on: ["paid"] },
    ]),
  );
  const [workflow = ""] = workflows;
  const gated = await many((nth) => trigger(workflow, { key: `gated-${nth}` }));
  const paused = await many((nth) => trigger(workflow, { key: `paused-${nth}` }));
  await Promise.all(paused.map((workflowRunID) => client.pauseWorkflowRun({ path: { workflowRunID } })));
  const awaited = await many((nth) => trigger(workflow, { key: `order-${nth}` }));
  await Promise.all(awaited.map(approve));
  const rejected = await many((nth) => trigger(workflow, { key: `rejected-${nth}` }));
  await Promise.all(rejected.map((run) => client.rejectWorkflowRunStep({ path: pathTo(run) })));
  const ended = await trigger(workflow, { key: "ended" });
  await client.sendEvent({ path: { eventKey: "ended" }, body: { hold_secs: 3600 } });
  await approve(ended);
  await completed(ended);
  const jobRuns = await many((nth) => client.triggerJob({ path: { jobID: jobs[nth] ?? "" } }));
  const body = { operation: "resume", ids: gated, max_per_second: 1 } as const;
  const operations = await many(() => client.createBulkOperation({ body }));
  const versions = await Promise.all(workflows.map((workflowID) => client.getWorkflow({ path: { workflowID } })));
  return {
    workflow: workflows,
    version: versions.map(({ version_id = "" }) => version_id),
    workflow_run: [...gated, ...paused, ...awaited, ...rejected, ended],
    step: ["gate", "paid", "charge"],
    job: jobs,
    run: jobRuns.map(({ id }) => id),
    operation: operations.map(({ id }) => id),
    event: awaited.map((_, nth) => `order-${nth}`),
  };
}

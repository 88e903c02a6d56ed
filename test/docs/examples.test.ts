import { expect, test } from "vitest";
import { examples } from "../../examples/load.ts";
import { createWorkflowBody } from "../../src/contract/create-workflow.ts";
import { createJobBody } from "../../src/contract/jobs/jobs.ts";
import { stepsProblem } from "../../workflows/engine/definition/validate.ts";

test.each(Object.entries(examples))(
  "the example %s is a valid definition whose jobs are all there",
  (_, { jobs, workflow }) => {
    const { steps } = createWorkflowBody.parse(workflow);
    expect(stepsProblem(steps)).toBeUndefined();
    const slugs = jobs.map((job) => createJobBody.parse(job).slug);
    for (const step of steps) if (step.job_id) expect(slugs).toContain(step.job_id);
  },
);

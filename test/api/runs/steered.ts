import type { WorkflowRun } from "../../../src/contract/runs.ts";
import type { Stack } from "../../stack/harness.ts";
import { until } from "../../stack/until.ts";
import { createJob, gate, opens, reaches, runOf, type Step, work } from "../definitions.ts";

/** What a test does with runs, on a stack that is made later. */
export function runsOn(stack: () => Stack) {
  const path = (run: WorkflowRun) => `/v1/workflow-runs/${run.id}`;
  return {
    get: (run: WorkflowRun) => stack().request("GET", path(run)),
    cancel: (run: WorkflowRun) => stack().request("DELETE", path(run)),
    pause: (run: WorkflowRun) => stack().request("POST", `${path(run)}/pause`),
    resume: (run: WorkflowRun) => stack().request("POST", `${path(run)}/resume`),

    async completedRun(): Promise<WorkflowRun> {
      return reaches(stack(), await runOf(stack(), [work("only", await createJob(stack()))]), "completed");
    },

    async atGate(): Promise<WorkflowRun> {
      const run = await runOf(stack(), [gate("gate"), gate("second", { depends_on: ["gate"] })]);
      await opens(stack(), run, "gate");
      return run;
    },

    /** A run whose step "slow" calls an endpoint that answers when told to. */
    async runOfSlowStep(path: string, after: Step[] = []) {
      const { jobs } = stack();
      let answer = () => {};
      jobs.on(path, () => new Promise((resolve) => (answer = () => resolve({ body: { slow: true } }))));
      const run = await runOf(stack(), [work("slow", await createJob(stack(), path)), ...after]);
      await until(() => jobs.callsTo(path).length === 1);
      return { run, answer: () => answer() };
    },
  };
}

import { setTimeout as sleep } from "node:timers/promises";
import { timed } from "../load.ts";
import type { Product } from "../product.ts";
import { chain, definitionOf } from "../shapes.ts";
import type { StepRun } from "../../client/index.ts";

const COMMANDS = 20;
/** After so long a run is in the middle of its quick steps. */
const UNDER_WAY_MS = 100;
const LONG_CHAIN = 1000;
const GATE = { step_ref: "gate", step_type: "approval", approval_approvers: ["bench"], approval_timeout_secs: 3600 };
const refs = Array.from({ length: COMMANDS }, (_, n) => `step-${n}`);

/** From the request, in ms. */
export interface Pause {
  answered: number;
  seen: number;
}

/** Each verb sent a number of times; what each took in ms. */
export async function overApi(product: Product) {
  const { client, createWorkflow, createJob, trigger, completed, cancel } = product;
  const job = await createJob("delay=0");
  const failing = await createJob("fail");
  const gate = await createWorkflow([GATE]);
  const waiting = await createWorkflow([
    GATE,
    ...refs.map((step_ref) => ({ step_ref, job_id: job, depends_on: ["gate"] })),
  ]);
  const failed = await createWorkflow([
    GATE,
    ...refs.map((step_ref) => ({ step_ref, job_id: failing, on_failure: "continue" })),
  ]);
  const long = await createWorkflow(definitionOf(chain(LONG_CHAIN), job));

  const until = async (runId: string, reached: (steps: StepRun[]) => boolean) => {
    while (!reached(await product.steps(runId))) await sleep(10);
  };
  const gateIsOpen = (steps: StepRun[]) => steps.some((step) => step.step_ref === "gate" && step.status === "waiting");
  const allFailed = (steps: StepRun[]) => steps.every((step) => step.step_ref === "gate" || step.status === "failed");

  return {
    /** Of a run whose last step is the gate: from the request until the run is seen completed. */
    async approve(): Promise<number[]> {
      const took: number[] = [];
      for (let n = 0; n < COMMANDS; n++) {
        const runId = await trigger(gate);
        await until(runId, gateIsOpen);
        took.push(
          await timed(async () => {
            await product.approve(runId);
            await completed(runId);
          }),
        );
      }
      return took;
    },
    async skip(): Promise<number[]> {
      const runId = await trigger(waiting);
      await until(runId, gateIsOpen);
      const took: number[] = [];
      for (const ref of refs) {
        took.push(
          await timed(async () => {
            const answer = await client.skipWorkflowRunStep({ path: { workflowRunID: runId, stepRef: ref } });
            if (!("step_run" in answer) || answer.step_run.status !== "skipped") throw new Error("it was not skipped");
          }),
        );
      }
      await product.approve(runId);
      await completed(runId);
      return took;
    },
    async retry(): Promise<number[]> {
      const runId = await trigger(failed);
      await until(runId, (steps) => gateIsOpen(steps) && allFailed(steps));
      const took: number[] = [];
      for (const ref of refs) {
        took.push(
          await timed(async () => {
            const answer = await client.retryWorkflowRunStep({ path: { workflowRunID: runId, stepRef: ref } });
            if (!("step_run" in answer) || answer.step_run.step_ref !== ref) throw new Error("it was not retried");
          }),
        );
      }
      await until(runId, allFailed);
      await cancel(runId);
      return took;
    },
    /** Of a run that goes through quick steps: from the request until its answer says paused, and until a GET does. */
    async pause(): Promise<Pause[]> {
      const took: Pause[] = [];
      for (let n = 0; n < COMMANDS; n++) {
        const runId = await trigger(long);
        const path = { workflowRunID: runId };
        await sleep(UNDER_WAY_MS);
        const start = performance.now();
        const answer = await client.pauseWorkflowRun({ path });
        if (answer.status !== "paused") throw new Error(`a paused run is ${answer.status}`);
        const answered = performance.now() - start;
        for (let status = "running"; status !== "paused"; ) {
          ({ status } = await client.getWorkflowRun({ path }));
          if (status === "completed") throw new Error("the run was over before it was paused");
        }
        took.push({ answered, seen: performance.now() - start });
        await cancel(runId);
      }
      return took;
    },
  };
}

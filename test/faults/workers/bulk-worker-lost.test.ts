import { setTimeout as pauseFor } from "node:timers/promises";
import { test } from "vitest";
import type { BulkItem, BulkOperation } from "../../../src/contract/bulk/operations.ts";
import { type Stack, startStack } from "../../stack/harness.ts";
import { startWorkerProcess } from "../../stack/processes.ts";
import { scenarioOn } from "../../stack/scenario.ts";
import { until } from "../../stack/until.ts";

const RUNS = 20;
/** Without heartbeats for 10 s, another worker takes the chunk up. */
const FROZEN_MS = 12_000;

type Worker = Awaited<ReturnType<typeof startWorkerProcess>>;

/** What becomes of a worker in the middle of a chunk. Resolves with the one that is left when the operation has ended. */
const FATES: Record<string, (stack: Stack, worker: Worker, hasEnded: () => Promise<unknown>) => Promise<Worker>> = {
  async dies(stack, worker, hasEnded) {
    await worker.kill();
    const other = await startWorkerProcess(stack);
    await hasEnded();
    return other;
  },

  async "is frozen, and goes on beside another one"(stack, worker, hasEnded) {
    process.kill(worker.pid, "SIGSTOP");
    const [other] = await Promise.all([startWorkerProcess(stack), pauseFor(FROZEN_MS)]);
    process.kill(worker.pid, "SIGCONT");
    await hasEnded();
    await worker.stop();
    return other;
  },
};

test.concurrent.for(Object.entries(FATES))(
  "a bulk operation whose worker, half-way, %s, does the rest, each run once, and says so one by one",
  async ([, fate], { expect, onTestFinished }) => {
    const stack = await startStack({ worker: false });
    onTestFinished(() => stack.stop());
    const on = scenarioOn(stack);
    const ask = async <Body>(method: string, path: string, body?: object) =>
      (await stack.request<Body>(method, path, body)).body;
    const create = (body: object) => ask<BulkOperation>("POST", "/v1/bulk-operations", { ...body, max_per_second: 10 });
    const get = ({ id }: { id: string }) => ask<BulkOperation>("GET", `/v1/bulk-operations/${id}`);
    const items = ({ id }: { id: string }) => ask<BulkItem[]>("GET", `/v1/bulk-operations/${id}/items?limit=100`);
    const inStatus = async (status: string) =>
      (await ask<unknown[]>("GET", `/v1/workflow-runs?limit=100&status=${status}`)).length;
    const cancellationsOf = async (id: string) => {
      const { events } = await stack.deps.temporal.workflow.getHandle(id).fetchHistory();
      return (events ?? []).filter((event) => event.workflowExecutionCancelRequestedEventAttributes).length;
    };

    const workflow = await on.workflow([{ step_ref: "gate", step_type: "approval", approval_approvers: ["ada"] }]);
    let worker = await startWorkerProcess(stack);
    const runs = await Promise.all(Array.from({ length: RUNS }, () => on.trigger(workflow)));
    const ids = runs.map(({ id }) => id);
    const lostHalfWay = async (operation: BulkOperation, status: string) => {
      // What was done of the chunk is told by nobody but the runs.
      await until(async () => (await inStatus(status)) > 5);
      expect((await get(operation)).progress.applied).toBe(0);
      worker = await fate(stack, worker, () => until(async () => (await get(operation)).status === "completed"));
      expect(await get(operation)).toMatchObject({
        progress: { total: RUNS, pending: 0, applied: RUNS, skipped: 0, failed: 0 },
      });
      expect(await items(operation)).toMatchObject(ids.map((id) => ({ workflow_run_id: id, status: "applied" })));
      expect(await inStatus(status)).toBe(RUNS);
    };

    await lostHalfWay(await create({ operation: "pause", ids }), "paused");
    await lostHalfWay(await create({ operation: "cancel", ids }), "canceled");
    for (const id of ids) expect(await cancellationsOf(id)).toBe(1);

    const replay = await create({ operation: "replay", ids });
    // No run is made that is nobody's outcome.
    await lostHalfWay(replay, "running");
    expect(new Set((await items(replay)).map(({ new_run_id }) => new_run_id)).size).toBe(RUNS);
    await worker.stop();
  },
);

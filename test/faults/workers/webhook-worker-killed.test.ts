import { afterAll, beforeAll, expect, test } from "vitest";
import { gate, ok, opens, runOf } from "../../api/definitions.ts";
import { type Stack, startStack } from "../../stack/harness.ts";
import { startWorkerProcess } from "../../stack/processes.ts";
import { until } from "../../stack/until.ts";

let stack: Stack;
beforeAll(async () => {
  stack = await startStack({ worker: false });
});
afterAll(() => stack.stop());

test("a worker that is killed while it tells loses no message: another one tells it, under the same id", async () => {
  const url = stack.jobs.url("/told");
  await ok(stack, "POST", "/v1/webhooks", { events: ["approval.requested"], url });
  const letGo = stack.jobs.hold("/told");
  let worker = await startWorkerProcess(stack);
  const runs = await Promise.all(Array.from({ length: 5 }, () => runOf(stack, [gate("gate")])));
  await Promise.all(runs.map((run) => opens(stack, run, "gate")));
  await until(async () => stack.jobs.callsTo("/told").length > 0);
  await worker.kill();
  letGo();
  worker = await startWorkerProcess(stack);
  const answered = () => stack.jobs.callsTo("/told").filter(({ answer, cutOff }) => answer && !cutOff);
  const idsOf = (run: { id: string }) =>
    answered()
      .filter(({ body }) => (body as { workflow_run_id?: unknown }).workflow_run_id === run.id)
      .map(({ headers }) => headers["webhook-id"]);
  await until(async () => runs.every((run) => idsOf(run).length > 0));
  for (const run of runs) expect(new Set(idsOf(run)).size).toBe(1);
  await worker.stop();
});

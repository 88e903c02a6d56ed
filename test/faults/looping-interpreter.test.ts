import { afterAll, expect, test } from "vitest";
import { startWorkerProcess } from "../stack/processes.ts";
import { startStack } from "../stack/harness.ts";
import { scenarioOn } from "../stack/scenario.ts";
import { until } from "../stack/until.ts";

const stack = await startStack({ worker: false });
const on = scenarioOn(stack);
afterAll(() => stack.stop());

test("a worker whose thread is stuck ends by itself, so that it is started again; meanwhile and after it others' runs go on", async () => {
  const quick = await on.workflow([{ step_ref: "a", calls: "/quick" }]);
  const first = await startWorkerProcess(stack, "test/faults/looping/worker.ts");
  const loops = await on.start([{ step_ref: "a", calls: "/never" }], {}, { name: "loops" });
  expect(await first.exited).toBe(1);

  const waiting = await Promise.all(Array.from({ length: 10 }, () => on.trigger(quick)));
  const second = await startWorkerProcess(stack, "test/faults/looping/worker.ts");
  for (const run of waiting) expect(await on.ends(run, 60_000)).toMatchObject({ status: "completed" });
  const answered = () => stack.request<{ status: string }>("DELETE", `/v1/workflow-runs/${loops.id}`);
  await until(async () => (await answered()).status === 200, { timeoutMs: 120_000, everyMs: 1_000 });
  expect(await on.run(loops)).toMatchObject({ status: "canceled", error: /^terminated: / });
  await second.kill();
}, 300_000);

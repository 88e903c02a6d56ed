import { afterAll, expect, test } from "vitest";
import { startWorkerProcess } from "../stack/processes.ts";
import { startStack } from "../stack/harness.ts";
import { scenarioOn } from "../stack/scenario.ts";
import { until } from "../stack/until.ts";

const stack = await startStack({ worker: false });
const on = scenarioOn(stack);
afterAll(() => stack.stop());

test("a worker whose thread is stuck ends by itself; the next one has others' runs go on beside the one that loops, which DELETE ends", async () => {
  const quick = await on.workflow([{ step_ref: "a", calls: "/quick" }]);
  const first = await startWorkerProcess(stack, "test/faults/looping/worker.ts");
  const loops = await on.start([{ step_ref: "a", calls: "/never" }], {}, { name: "loops" });
  expect(await first.exited).toBe(1);

  const second = await startWorkerProcess(stack, "test/faults/looping/worker.ts");
  const canceled = async () => (await stack.request("DELETE", `/v1/workflow-runs/${loops.id}`)).status === 200;
  const ended = until(canceled, { everyMs: 1_000 });
  for (let round = 0; round < 10; round++) {
    const run = await on.trigger(quick);
    expect(await on.ends(run)).toMatchObject({ status: "completed" });
  }
  await ended;
  expect(await on.run(loops)).toMatchObject({ status: "canceled", error: expect.stringMatching(/^terminated: /) });
  await second.kill();
});

import { setTimeout as pauseFor } from "node:timers/promises";
import { test } from "vitest";
import { compareEndpointLog } from "../../stack/endpoint-log.ts";
import { startStack } from "../../stack/harness.ts";
import { startWorkerProcess } from "../../stack/processes.ts";
import { scenarioOn } from "../../stack/scenario.ts";
import { until } from "../../stack/until.ts";

test("a worker that is told to stop lets its calls end, and another one, which is there already, makes none of them again", async ({
  expect,
  onTestFinished,
}) => {
  const stack = await startStack({ worker: false });
  stack.config.drainSecs = 60;
  onTestFinished(() => stack.stop());
  const on = scenarioOn(stack);
  const hold = stack.jobs.hold("/slow");
  const first = await startWorkerProcess(stack);
  const workflow = await on.workflow([
    { step_ref: "slow", calls: "/slow" },
    { step_ref: "then", calls: "/then", depends_on: ["slow"] },
  ]);
  const runs = await Promise.all(Array.from({ length: 10 }, () => on.trigger(workflow)));
  await until(() => stack.jobs.callsTo("/slow").length === runs.length);
  const second = await startWorkerProcess(stack);
  onTestFinished(() => second.stop());
  // Some of its calls have just begun, others are waited for by activities at its own queue.
  const late = await Promise.all(Array.from({ length: 10 }, () => on.trigger(workflow)));
  await until(() => stack.jobs.callsTo("/slow").length === runs.length + late.length);

  const stopped = first.stop();
  // Longer than it takes Temporal to give a call up whose worker is not heard of any more.
  await pauseFor(8_000);
  hold({ body: { held: true } });
  await stopped;
  for (const run of [...runs, ...late]) expect(await on.ends(run)).toMatchObject({ status: "completed" });
  expect(await compareEndpointLog(stack)).toEqual([]);
});

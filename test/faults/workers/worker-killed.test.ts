import { test } from "vitest";
import { chainsUnderWay, expectLane, LANES } from "../../stack/chains.ts";
import { compareEndpointLog, recordedAttempts } from "../../stack/endpoint-log.ts";
import { startStack } from "../../stack/harness.ts";
import { startWorkerProcess } from "../../stack/processes.ts";
import { scenarioOn } from "../../stack/scenario.ts";
import { until } from "../../stack/until.ts";

test.concurrent.for(LANES)(
  "a kill -9 of the worker loses no run of the $lane lane, and repeats no call whose answer was recorded",
  async (lane, { expect, onTestFinished }) => {
    const stack = await startStack({ worker: false });
    onTestFinished(() => stack.stop());
    const on = scenarioOn(stack);
    stack.jobs.on("/long", (_, nth) => (nth === 1 ? new Promise(() => {}) : { body: { nth } }));
    const first = await startWorkerProcess(stack);
    const long = await on.start([{ step_ref: "long", calls: "/long" }]);
    await until(() => stack.jobs.callsTo("/long").length === 1);
    const chains = await chainsUnderWay(stack, on, lane);
    await first.kill();
    const killedAt = Date.now();
    const recorded = await recordedAttempts(stack);
    expect(recorded.size).toBeGreaterThan(0);
    expect(stack.jobs.calls.length).toBeLessThan(chains.length * 3);

    const second = await startWorkerProcess(stack);
    const ended = await Promise.all([long, ...chains].map((run) => on.ends(run)));
    expect(ended.map(({ status }) => status)).toEqual(ended.map(() => "completed"));
    await second.stop();

    await expectLane(lane, stack, chains);
    const repeated = await compareEndpointLog(stack, [killedAt], recorded);
    expect(repeated).toContain(stack.jobs.callsTo("/long")[1]);
  },
);

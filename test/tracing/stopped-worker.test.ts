import type { ServerResponse } from "node:http";
import { afterAll, beforeAll, expect, test } from "vitest";
import { freePort } from "../../src/dev/ports.ts";
import { serve } from "../../src/runtime/http-server.ts";
import { type Stack, startStack } from "../stack/harness.ts";
import { startWorkerProcess } from "../stack/processes.ts";
import { scenarioOn } from "../stack/scenario.ts";
import { until } from "../stack/until.ts";

let stack: Stack;
beforeAll(async () => {
  stack = await startStack({ worker: false });
});
afterAll(() => stack.stop());

test("a worker that is stopped takes nothing new at once, also while a collector leaves it waiting", async () => {
  const held: ServerResponse[] = [];
  const hanging = await serve((_, response) => void held.push(response), "127.0.0.1", 0);
  const port = await freePort();
  const worker = await startWorkerProcess(stack, "src/worker.ts", {
    OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${hanging.port}`,
    OTEL_EXPORTER_OTLP_TIMEOUT: "20000",
    WORKER_PORT: String(port),
  });
  const on = scenarioOn(stack);
  await on.ends(await on.start([{ step_ref: "quick", calls: "/ok" }]));
  await until(() => held.length > 0);
  const stopping = worker.stop();
  const pollers = async () => {
    const text = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text();
    return [...text.matchAll(/^temporal_num_pollers\{.*\} (\d+)$/gm)].map(([, count]) => Number(count));
  };
  await until(async () => (await pollers()).every((count) => count === 0));
  expect(held.map(({ destroyed }) => destroyed)).toEqual([false]);
  held[0]?.end();
  await stopping;
  await hanging.close();
});

import type { ServerResponse } from "node:http";
import { afterAll, beforeAll, expect, onTestFinished, test } from "vitest";
import { startCollector } from "./collector.ts";
import { freePort } from "../../src/dev/ports.ts";
import { serve } from "../../src/runtime/http-server.ts";
import { type Stack, startStack } from "../stack/harness.ts";
import { startWorkerProcess } from "../stack/processes.ts";
import { scenarioOn } from "../stack/scenario.ts";
import { until } from "../stack/until.ts";

let collector: Awaited<ReturnType<typeof startCollector>>;
let stack: Stack;
beforeAll(async () => {
  collector = await startCollector();
  // The runs of this API are traced; the worker under test is told of another collector.
  stack = await startStack({ worker: false, tracing: collector.config });
});
afterAll(async () => {
  await stack.stop();
  await collector.close();
});

test("a worker that is stopped takes nothing new at once, also while a collector leaves it waiting", async () => {
  const held: ServerResponse[] = [];
  const hanging = await serve((_, response) => void held.push(response), "127.0.0.1", 0);
  const port = await freePort();
  const worker = await startWorkerProcess(stack, "src/worker.ts", {
    OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${hanging.port}`,
    OTEL_EXPORTER_OTLP_TIMEOUT: "20000",
    WORKER_PORT: String(port),
  });
  onTestFinished(async () => {
    for (const response of held) response.end();
    await worker.stop();
    await hanging.close();
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
});

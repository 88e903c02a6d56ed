import type { ServerResponse } from "node:http";
import { afterAll, beforeAll, expect, test } from "vitest";
import { startCollector } from "./collector.ts";
import { freePort } from "../../src/dev/ports.ts";
import { serve } from "../../src/runtime/http-server.ts";
import { type Stack, startStack } from "../stack/harness.ts";
import { LogLines } from "../stack/log-lines.ts";
import { startWorkerProcess } from "../stack/processes.ts";
import { scenarioOn } from "../stack/scenario.ts";
import { until } from "../stack/until.ts";

const log = new LogLines();
let collector: Awaited<ReturnType<typeof startCollector>>;
let stack: Stack;
beforeAll(async () => {
  collector = await startCollector();
  // An API alone: workers have a line of their own.
  stack = await startStack({ worker: false, tracing: collector.config, logLevel: "warn", logTo: log });
});
afterAll(async () => {
  await stack.stop();
  await collector.close();
});

const ask = () => stack.request("GET", "/v1/jobs?project_id=demo");

test("an API says once that its spans wait for the collector, and again after it was back; and what it refuses for good", async () => {
  const waits = () => log.all("spans wait to be exported").length;
  for (const times of [1, 2]) {
    // Nothing that the exporter tries again by itself.
    collector.state.refuses = 404;
    await ask();
    await until(() => waits() === times);
    const tries = collector.asked.length;
    await until(() => collector.asked.length > tries + 2);
    expect(waits()).toBe(times);
    // Of no request: it is about those of all.
    expect(log.text).not.toContain("request_id");
    collector.state.refuses = undefined;
    await until(() => collector.spans.length === times);
  }
  collector.state.refuses = 400;
  await ask();
  const [line] = await until(() => {
    const lines = log.all("spans are lost: the collector refuses them");
    return lines.length > 0 && lines;
  });
  expect(line).toMatchObject({ count: 1 });
  expect(waits()).toBe(2);
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

import { afterAll, beforeAll, expect, test } from "vitest";
import { startCollector } from "./collector.ts";
import { type Stack, startStack } from "../stack/harness.ts";
import { LogLines } from "../stack/log-lines.ts";
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

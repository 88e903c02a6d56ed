import { afterAll, beforeAll, expect, test } from "vitest";
import { startCollector } from "./collector.ts";
import { spans as told } from "../../src/topics.ts";
import { type Stack, startStack } from "../stack/harness.ts";
import { LogLines } from "../stack/log-lines.ts";
import { type Scenario, scenarioOn } from "../stack/scenario.ts";
import { until } from "../stack/until.ts";

let collector: Awaited<ReturnType<typeof startCollector>>;
let stack: Stack;
let on: Scenario;
const log = new LogLines();
/** Of the exports: one at a time of requests, one of runs. */
const outcomes: string[] = [];
beforeAll(async () => {
  collector = await startCollector();
  stack = await startStack({ tracing: collector.config, logLevel: "info", logTo: log });
  on = scenarioOn(stack);
  told.subscribe(({ outcome }) => outcomes.push(outcome));
});
afterAll(async () => {
  await stack.stop();
  await collector.close();
});

const times = (outcome: string) => outcomes.filter((each) => each === outcome).length;

/** Spans of requests and of a run. */
const makeSpans = async () => on.ends(await on.start([{ step_ref: "quick", calls: "/ok" }]));

test("the log tells once that spans do not go out, of requests as of runs, and once that they do again", async () => {
  for (const outage of [1, 2]) {
    collector.state.refuses = 500;
    outcomes.length = 0;
    await makeSpans();
    await until(() => log.all("spans wait to be exported").length === outage);
    // Several are tried again.
    await until(() => times("failed") >= 5);
    await makeSpans();
    const began = log.all("spans of requests wait to be exported");
    expect([began.length, log.all("spans wait to be exported").length]).toEqual([outage, outage]);
    expect(began[0]).toMatchObject({ level: 40, err: { message: expect.any(String) } });
    // It is of no single request.
    expect(began[0]).not.toHaveProperty("request_id");
    expect(log.all("spans of requests are exported again")).toHaveLength(outage - 1);

    collector.state.refuses = undefined;
    await until(() => log.all("spans of requests are exported again").length === outage);
    await until(() => log.all("spans are exported again").length === outage);
  }
});

test("the log tells once that a collector refuses spans for good, and once that it takes them", async () => {
  collector.state.refuses = 400;
  outcomes.length = 0;
  await makeSpans();
  await until(() => times("dropped") >= 2);
  expect(log.all("spans are lost: the collector refuses them")).toHaveLength(1);
  collector.state.refuses = undefined;
  await makeSpans();
  await until(() => log.all("the collector takes spans again").length > 0);
  expect(log.all("spans of requests wait to be exported")).toHaveLength(2);
});

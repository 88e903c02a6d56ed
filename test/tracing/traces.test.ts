import { afterAll, beforeAll, expect, test } from "vitest";
import { type Received, startCollector, told } from "./collector.ts";
import { dropSpans } from "../../src/commands/export-spans.ts";
import type { WorkflowRun } from "../../src/contract/runs.ts";
import { deleteExported, giveBackSpans, takeSpans } from "../../src/store/ended-spans.ts";
import { spans as spansTold } from "../../src/topics.ts";
import { RequestSpans } from "../../src/tracing/request-spans.ts";
import { type Stack, startStack } from "../stack/harness.ts";
import { startWorkerProcess } from "../stack/processes.ts";
import { type Scenario, scenarioOn } from "../stack/scenario.ts";
import { calling, GATE } from "../stack/step-drafts.ts";
import { until } from "../stack/until.ts";
import { attemptSpanId, runSpanId } from "../../workflows/engine/ids.ts";

let collector: Awaited<ReturnType<typeof startCollector>>;
let stack: Stack;
let on: Scenario;
beforeAll(async () => {
  collector = await startCollector();
  stack = await startStack({ worker: false, tracing: collector.config });
  on = scenarioOn(stack);
});
afterAll(async () => {
  await stack.stop();
  await collector.close();
});

const TRACE = "0af7651916cd43dd8448eb211c80319c";
const CLIENT = "b7ad6b7169203331";
const trigger = async (workflow: { id: string }, headers: Record<string, string> = {}) =>
  (await stack.request<WorkflowRun>("POST", `/v1/workflows/${workflow.id}/trigger`, {}, { headers })).body;

/** Once the run's own span is there, and the request's. */
const traceOf = (run: WorkflowRun, trace = run.trace_id ?? "") =>
  until(() => {
    const all = collector.ofTrace(trace);
    const has = (id: string) => all.some(({ spanId }) => spanId === id);
    return has(runSpanId(run.id)) && all.some(({ kind }) => kind === 2) && all;
  });

/** The names of a tree of spans, each with those within it. */
function tree(spans: Received[], parent?: string): object {
  const within = spans.filter(({ parentSpanId = "" }) => parentSpanId === (parent ?? ""));
  return Object.fromEntries(within.map(({ name, spanId }) => [name, tree(spans, spanId)]));
}

function expectWhole(spans: Received[], parents: string[] = []): void {
  const ids = spans.map(({ spanId }) => spanId);
  expect(ids).toEqual([...new Set(ids)]);
  const known = new Set([...ids, ...parents, ""]);
  expect(spans.filter(({ parentSpanId = "" }) => !known.has(parentSpanId))).toEqual([]);
  for (const { startTimeUnixNano, endTimeUnixNano } of spans)
    expect(BigInt(endTimeUnixNano)).toBeGreaterThanOrEqual(BigInt(startTimeUnixNano));
}

test("over a kill -9 of the worker: request, run, steps, attempts, sub-workflow and endpoint are one trace, without a double or a hole", async () => {
  stack.jobs.on("/flaky", (_, nth) => ({ status: nth === 1 ? 500 : 200 }));
  stack.jobs.on("/long", (_, nth) => (nth === 1 ? new Promise(() => {}) : {}));
  const child = await on.workflow([{ step_ref: "inner", calls: "/inner" }], { name: "Child" });
  const workflow = await on.workflow(
    [
      {
        step_ref: "flaky",
        calls: "/flaky",
        retry_max_attempts: 2,
        retry_backoff: "fixed",
        retry_initial_delay_secs: 1,
      },
      { step_ref: "long", calls: "/long", depends_on: ["flaky"] },
      calling(child, { depends_on: ["long"] }),
    ],
    { name: "Whole" },
  );
  const first = await startWorkerProcess(stack, "src/worker.ts", collector.variables);
  const traceparent = `00-${TRACE}-${CLIENT}-01`;
  const run = await trigger(workflow, { traceparent, tracestate: "vendor=1" });
  expect(run.trace_id).toBe(TRACE);
  await until(() => stack.jobs.callsTo("/long").length === 1);
  await until(() => collector.ofTrace(TRACE).some(({ name }) => name === "step flaky"));
  // What it had sent and not noted yet would be sent again, as the same spans.
  await until(async () => (await stack.deps.db.query("select from ended_spans")).rowCount === 0);
  await first.kill();
  const second = await startWorkerProcess(stack, "src/worker.ts", collector.variables);
  expect(await on.ends(run)).toMatchObject({ status: "completed" });
  const spans = await traceOf(run);
  await second.stop();

  expectWhole(spans, [CLIENT]);
  expect(tree(spans, CLIENT)).toEqual({
    "POST /v1/workflows/:workflowID/trigger": {
      "run Whole": {
        "step flaky": { "attempt 1": {}, "attempt 2": {} },
        "step long": { "attempt 1": {} },
        "step child": { "run Child": { "step inner": { "attempt 1": {} } } },
      },
    },
  });
  const ids = new Set(spans.map(({ spanId }) => spanId));
  expect(stack.jobs.calls).toHaveLength(5);
  for (const { headers } of stack.jobs.calls) {
    const [, trace, span = "", flags] = String(headers.traceparent).split("-");
    expect([trace, flags, headers.tracestate]).toEqual([TRACE, "01", "vendor=1"]);
    expect(ids.has(span)).toBe(true);
  }
  const failed = spans.filter(({ status }) => status.code === 2);
  expect(failed.map(({ name, attributes }) => [name, told(attributes)["error.type"]])).toEqual([
    ["attempt 1", "server"],
  ]);
  for (const { attributes } of spans.filter(({ kind }) => kind !== 2))
    expect(told(attributes)).toMatchObject({ "workflow.project": "demo", "workflow.run.id": expect.any(String) });
  expect(collector.requests.find(({ service }) => service === "runs")?.headers.authorization).toBe("a-key");
});

test("without a trace of the client's the trace is the run's; commands and who gave them are in it, and what goes on after the end", async () => {
  await stack.startWorker();
  stack.jobs.on("/once", (_, nth) => ({ status: nth === 1 ? 422 : 200, body: { card: "s3cr3t" } }));
  const workflow = await on.workflow([GATE, { step_ref: "once", calls: "/once", depends_on: ["gate"] }], {
    name: "Own",
  });
  const run = await trigger(workflow);
  expect(run.trace_id).toBe(run.id.replaceAll("-", ""));
  await on.opens(run, "gate");
  const token = stack.token({ sub: "ada@example.com", scopes: ["*"] });
  await on.steer(run, "skip", "gate", { reason: "s3cr3t" }, { token });
  expect(await on.ends(run)).toMatchObject({ status: "failed" });
  await on.steer(run, "retry", "once");
  expect(await until(async () => (await on.run(run)).status === "completed")).toBe(true);
  const spans = await until(() => {
    const all = collector.ofTrace(run.trace_id ?? "");
    return all.length >= 10 && all;
  });
  expectWhole(spans);
  expect(tree(spans)).toEqual({
    "POST /v1/workflows/:workflowID/trigger": {
      "run Own": {
        "step gate": {},
        "step once": { "attempt 1": {} },
        "POST /v1/workflow-runs/:workflowRunID/steps/:stepRef/skip": {},
        "POST /v1/workflow-runs/:workflowRunID/steps/:stepRef/retry": {},
        "run Own again": {},
      },
    },
  });
  const job_runs = stack.jobs.callsTo("/once").map(({ headers }) => String(headers["x-run-id"]));
  expect(spans.map(({ spanId }) => spanId)).toEqual(expect.arrayContaining(job_runs.map((id) => attemptSpanId(id, 1))));
  const gate = spans.find(({ name }) => name === "step gate");
  expect(told(gate?.attributes ?? [])).toMatchObject({
    "workflow.step.cause": "operator",
    "user.hash": expect.any(String),
  });
  expect(gate?.events?.map(({ name }) => name)).toEqual(["skip"]);
  expect(JSON.stringify(collector.spans)).not.toMatch(/s3cr3t|@example/);
});

test("a retry is a run of its own trace, linked to the one it retries, and what is not sampled is not exported", async () => {
  stack.jobs.on("/bad", () => ({ status: 422 }));
  const workflow = await on.workflow([{ step_ref: "bad", calls: "/bad" }]);
  const run = await trigger(workflow);
  await on.ends(run);
  const { body: retry } = await stack.request<WorkflowRun>("POST", `/v1/workflow-runs/${run.id}/retry`);
  await on.ends(retry);
  const spans = await traceOf(retry);
  expect(retry.trace_id).toBe(retry.id.replaceAll("-", ""));
  const own = spans.find(({ spanId }) => spanId === runSpanId(retry.id));
  expect(own?.links).toMatchObject([{ traceId: run.trace_id, spanId: runSpanId(run.id) }]);

  const quiet = "1".repeat(32);
  const unsampled = await trigger(workflow, { traceparent: `00-${quiet}-${CLIENT}-00` });
  await on.ends(unsampled);
  await traceOf(await trigger(workflow));
  expect(collector.ofTrace(quiet)).toEqual([]);
  expect(stack.jobs.callsTo("/bad").some(({ headers }) => String(headers.traceparent).startsWith(`00-${quiet}`))).toBe(
    true,
  );
});

test("a collector that is away holds nothing up, and gets what it has missed", async () => {
  collector.state.refuses = 503;
  const run = await on.start([{ step_ref: "quick", calls: "/ok" }]);
  await on.ends(run);
  const { rows } = await stack.deps.db.query("select sum(count) as spans from ended_spans");
  expect(rows).toEqual([{ spans: 3 }]);
  collector.state.refuses = undefined;
  expectWhole(await traceOf(run));
});

test("what no collector takes is kept within bounds, the newest of it, and the rest is counted", async () => {
  await stack.stopWorker();
  const dropped: number[] = [];
  spansTold.subscribe(({ outcome, count }) => outcome === "dropped" && dropped.push(count));
  await stack.deps.db.query("delete from ended_spans");
  await stack.deps.db.query(
    "insert into ended_spans (common, spans, count) select '{}', to_json(n), 1 from generate_series(1, 100007) n",
  );
  await dropSpans(stack.deps);
  const { rows } = await stack.deps.db.query("select count(*), min(spans::text::integer) as oldest from ended_spans");
  expect([rows, dropped]).toEqual([[{ count: 100_000, oldest: 8 }], [7]]);

  const never = () => Promise.reject(new Error("away"));
  const lines: unknown[] = [];
  const requests = new RequestSpans(
    () => true,
    never,
    async () => new Map(),
    { warn: (...line: unknown[]) => void lines.push(line) },
  );
  const scope = { request_id: "a" };
  const at = { began: 0, ended: 0, actor: undefined, project: undefined };
  const request = { scope, trace: { span_id: "a" }, method: "GET", route: "/v1/jobs", status: 200, ...at };
  for (let n = 0; n < 2_050; n++) requests.add(request);
  await requests.stop();
  expect(dropped).toEqual([7, 1, 1, 2_048]);
  const LOST = "spans are lost: no collector has taken them in time";
  const waits = [{ err: new Error("away") }, "spans wait to be exported"];
  expect(lines).toEqual([[{ count: 2 }, LOST], waits, [{ count: 2_048 }, LOST]]);
});

test("one worker at a time has spans in hand, and after half a minute without a word of it the next one takes them", async () => {
  const { db } = stack.deps;
  await db.query("delete from ended_spans");
  const waiting = `insert into ended_spans (common, spans, count) select '{}', '[{"attributes":{}},{"attributes":{}}]', 2
    from generate_series(1, 3)`;
  await db.query(waiting);
  const taken = await takeSpans(db, 3);
  expect([taken.rows.length, taken.spans.length]).toEqual([2, 4]);
  expect((await takeSpans(db, 3)).rows).toEqual([]);
  await giveBackSpans(db);
  expect(await takeSpans(db, 3)).toEqual(taken);
  await db.query("update span_export set taken_until = taken_until - interval '30 seconds'");
  expect(await takeSpans(db, 3)).toEqual(taken);
  await deleteExported(db, taken);
  expect((await takeSpans(db, 3)).spans).toHaveLength(2);
});

import { readFileSync } from "node:fs";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type Received, startCollector, told } from "./collector.ts";
import type { JobRun } from "../../src/contract/jobs/runs.ts";
import type { WorkflowRun } from "../../src/contract/runs.ts";
import { type Stack, startStack } from "../stack/harness.ts";
import { type Scenario, scenarioOn } from "../stack/scenario.ts";
import { calling, event, GATE } from "../stack/step-drafts.ts";
import { until } from "../stack/until.ts";
import { runSpanId } from "../../workflows/engine/ids.ts";

let collector: Awaited<ReturnType<typeof startCollector>>;
let stack: Stack;
let on: Scenario;
beforeAll(async () => {
  collector = await startCollector();
  stack = await startStack({ tracing: collector.config });
  on = scenarioOn(stack);
});
afterAll(async () => {
  await stack.stop();
  await collector.close();
});

const exported = (trace: string, name: string) =>
  until(() => collector.ofTrace(trace).find((span) => span.name === name));
const placeOf = ({ traceId, spanId }: Received) => `00-${traceId}-${spanId}-01`;

/** With a job that failed once, a gate that was approved, a step that was skipped, an event, and a sub-workflow; retried after its last step has failed. */
async function retriedRun(): Promise<WorkflowRun[]> {
  stack.jobs.on("/flaky", (_, nth) => ({ status: nth === 1 ? 500 : 200 }));
  stack.jobs.on("/once", (_, nth) => ({ status: nth === 1 ? 422 : 200 }));
  const child = await on.workflow([{ step_ref: "inner", calls: "/inner?key=s3cr3t" }]);
  const workflow = await on.workflow(
    [
      GATE,
      { ...event("paid"), step_ref: "paid", depends_on: ["gate"], event_notify_url: stack.jobs.url("/notified") },
      { step_ref: "flaky", calls: "/flaky", depends_on: ["paid"], retry_max_attempts: 2, retry_initial_delay_secs: 1 },
      calling(child, { depends_on: ["flaky"] }),
      { step_ref: "never", calls: "/never", condition: { type: "eq", left: 1, right: 2 } },
      { step_ref: "once", calls: "/once", depends_on: ["child"] },
    ],
    { name: "Told" },
  );
  const run = await on.trigger(workflow);
  await on.opens(run, "gate");
  await on.steer(run, "approve", "gate");
  await until(() => stack.jobs.callsTo("/notified").length === 1);
  await on.send("paid", 1);
  expect(await on.ends(run)).toMatchObject({ status: "failed" });
  const { body: retry } = await on.steer<WorkflowRun>(run, "retry");
  expect(await on.ends(retry)).toMatchObject({ status: "completed" });
  return [run, retry];
}

test("webhooks and event_notify_url are called within the trace, and the table of docs/tracing.md has each attribute", async () => {
  await stack.request("POST", "/v1/webhooks", { events: ["*"], url: stack.jobs.url("/hook") });
  const [run, retry] = await retriedRun();
  const trace = run?.trace_id ?? "";
  const ofRun = await exported(trace, "run Told");
  const gate = await exported(trace, "step gate");
  const paid = await exported(trace, "step paid");
  expect(stack.jobs.callsTo("/notified")[0]?.headers.traceparent).toBe(placeOf(paid));
  const hooked = () =>
    stack.jobs
      .callsTo("/hook")
      .filter(({ body }) => Object(body).workflow_run_id === run?.id)
      .map(({ body, headers }) => [Object(body).approval ? "gate" : "run", headers.traceparent]);
  await until(() => hooked().some(([of]) => of === "gate") && hooked().some(([of]) => of === "run"));
  for (const [of, traceparent] of hooked()) expect(traceparent).toBe(placeOf(of === "gate" ? gate : ofRun));

  await exported(retry?.trace_id ?? "", "run Told");
  const attempt = await exported(trace, "attempt 2");
  const { hostname, port } = new URL(stack.jobs.url("/"));
  expect(told(attempt.attributes)).toMatchObject({ "server.address": hostname, "server.port": Number(port) });
  expect(JSON.stringify(collector.spans)).not.toContain("s3cr3t");

  const rows = readFileSync("docs/tracing.md", "utf8").split("\n");
  for (const [first, kind] of [
    ["`METHOD route`", 2],
    ["`run NAME`", 1],
    ["`step REF`", 1],
    ["`attempt N`", 3],
  ] as const) {
    const [, , , attributes = ""] = rows.find((row) => row.startsWith(`| ${first}`))?.split("|") ?? [];
    const documented = [...attributes.matchAll(/`([a-z_]+(?:\.[a-z_]+)+)`/g)].map(([, name]) => name);
    const word = first.slice(1).split(" ")[0] ?? "";
    const spans = collector.spans.filter((span) => span.kind === kind && (kind === 2 || span.name.startsWith(word)));
    const all = new Set(spans.flatMap((span) => Object.keys(told(span.attributes))));
    for (const common of kind === 2 ? [] : COMMON) expect(all.delete(common)).toBe(true);
    all.delete("error.type");
    expect([first, [...all].sort()]).toEqual([first, documented.sort()]);
  }
});

/** As the text below the table has it. */
const COMMON = ["workflow.run.id", "workflow.id", "workflow.name", "workflow.version", "workflow.project"];

test("a job run that is replayed is linked to what it replays", async () => {
  const job = await on.job("/job");
  const { body: source } = await stack.request<JobRun>("POST", `/v1/jobs/${job}/trigger`);
  const ended = (id: string) =>
    until(async () => (await stack.request<JobRun>("GET", `/v1/runs/${id}`)).body.status === "completed");
  await ended(source.id);
  const { body: replay } = await stack.request<JobRun>("POST", `/v1/runs/${source.id}/replay`);
  await ended(replay.id);
  const runs = stack.jobs.callsTo("/job").map(({ headers }) => String(headers["x-workflow-run-id"]));
  const [first = "", second = ""] = runs;
  const trace = (id: string) => id.replaceAll("-", "");
  const span = await until(() => collector.spans.find(({ spanId }) => spanId === runSpanId(second)));
  expect(span.traceId).toBe(trace(second));
  expect(span.links).toMatchObject([{ traceId: trace(first), spanId: runSpanId(first) }]);
});

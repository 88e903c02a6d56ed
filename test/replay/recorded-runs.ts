import { expect, test } from "vitest";
import { startJobServer } from "../../examples/job-server.ts";
import { examples, loadExamples } from "../../examples/load.ts";
import type { WorkflowRun } from "../../src/contract/runs.ts";
import { startRecording } from "./recording.ts";
import { GATE } from "../stack/step-drafts.ts";
import { until } from "../stack/until.ts";

const { stack, on, ends, does } = await startRecording();

test("the examples", async () => {
  const { apiUrl, token } = stack;
  const jobServer = await startJobServer(0);
  const jobsUrl = `http://127.0.0.1:${jobServer.port}`;
  const { workflows, waitingRunId } = await loadExamples({ apiUrl, token: token(), jobsUrl, log: () => {} });
  await does({ id: waitingRunId }, "approve", "approval", undefined, { token: token({ sub: "release-manager" }) });
  await ends({ id: waitingRunId }, "completed", "release-train");

  const train = workflows.find(({ slug }) => slug === "release-train") as { id: string };
  const payload = { ...examples["release-train"].payload, fail: "smoke-test" };
  const rolledBack = await on.trigger(train, { payload });
  await on.opens(rolledBack, "approval");
  await does(rolledBack, "approve", "approval", undefined, { token: token({ sub: "release-manager" }) });
  await ends(rolledBack, "completed", "release-train-rolled-back");

  const approval = workflows.find(({ slug }) => slug === "invoice-approval") as { id: string };
  const invoice = await on.trigger(approval, { payload: examples["invoice-approval"].payload });
  await on.opens(invoice, "manager-approval");
  await does(invoice, "approve", "manager-approval", undefined, { token: token({ sub: "manager" }) });
  await on.sends("payment:INV-1042", { paid: true });
  await ends(invoice, "completed", "invoice-approval");
  await jobServer.close();
});

test("a failed run, and steps run again while it is open and after its end", async () => {
  stack.jobs.on("/flaky", (_, nth) => ({ status: nth === 1 ? 500 : 200 }));
  stack.jobs.on("/broken", (_, nth) => ({ status: nth === 1 ? 422 : 200 }));
  const run = await on.start([
    { step_ref: "a", calls: "/flaky", retry_max_attempts: 2, retry_backoff: "fixed", retry_initial_delay_secs: 1 },
    { step_ref: "b", calls: "/broken", depends_on: ["a"] },
    { ...GATE, depends_on: ["b"] },
    { step_ref: "c", calls: "/c", depends_on: ["gate"] },
  ]);
  await ends(run, "failed", "failed");
  await does(run, "retry", "b");
  await on.opens(run, "gate");
  await does(run, "approve", "gate");
  await ends(run, "completed", "reopened");

  const open = await on.start([
    { step_ref: "a", calls: "/a" },
    { step_ref: "b", calls: "/b", depends_on: ["a"] },
    GATE,
  ]);
  await on.opens(open, "b", "completed");
  await does(open, "retry", "b");
  await until(async () => (await on.step(open, "b")).attempt === 2 && (await on.opens(open, "b", "completed")));
  await does(open, "approve", "gate");
  await ends(open, "completed", "step-retried");
  await does(open, "replay-subtree", "a");
  await ends(open, "completed", "subtree-replayed");
});

test("runs that go on in another version, while they are open and after their end", async () => {
  stack.jobs.on("/wrong", () => ({ status: 422 }));
  const gate = { ...GATE, depends_on: ["b"] };
  const step = { step_ref: "b", on_failure: "continue" };
  const old = await on.workflow([
    { step_ref: "a", calls: "/a" },
    { ...step, calls: "/wrong", depends_on: ["a"] },
    gate,
  ]);
  const [open, closed] = [await on.trigger(old), await on.trigger(old)];
  for (const run of [open, closed]) {
    await on.opens(run, "gate");
  }
  await does(closed, "reject", "gate");
  await on.ends(closed);
  const [a, right] = [await on.job("/a"), await on.job("/right")];
  const steps = [
    { step_ref: "n", job_id: right },
    { step_ref: "a", job_id: a },
    { ...step, job_id: right, depends_on: ["a", "n"] },
    gate,
  ];
  expect(await stack.request("PATCH", `/v1/workflows/${old.id}`, { steps })).toMatchObject({ status: 200 });
  await does(open, "retry", "b", { version: "latest" });
  await on.opens(open, "b", "completed");
  await does(open, "approve", "gate");
  await ends(open, "completed", "moved");
  await does(closed, "replay-subtree", "b", { version: "latest" });
  await on.opens(closed, "gate");
  await does(closed, "approve", "gate");
  await ends(closed, "completed", "moved-and-reopened");
});

test("a run paused and resumed, skipped and forced on", async () => {
  const run = await on.start([
    { ...GATE, step_ref: "skipped" },
    { step_ref: "forced", step_type: "sleep", sleep_duration_secs: 3600 },
    { step_ref: "event", step_type: "wait_for_event", event_key: "go" },
    { step_ref: "nap", step_type: "sleep", sleep_duration_secs: 1, depends_on: ["skipped", "forced", "event"] },
  ]);
  await Promise.all([on.opens(run, "skipped"), on.opens(run, "forced"), on.opens(run, "event")]);
  await does(run, "pause");
  await does(run, "skip", "skipped", { reason: "not needed" });
  await does(run, "force-complete", "forced", { result: { slept: false } });
  await on.sends("go", { sent: true });
  await does(run, "resume");
  await ends(run, "completed", "paused-and-steered");
});

test("a canceled run", async () => {
  stack.jobs.on("/held", () => new Promise(() => {}));
  const run = await on.start([{ step_ref: "held", calls: "/held" }, GATE]);
  await until(() => stack.jobs.callsTo("/held").length === 1);
  await on.opens(run, "gate");
  await on.cancel(run);
  await ends(run, "canceled", "canceled");
});

test("a run that times out", async () => {
  const run = await on.start([GATE], {}, { timeout_secs: 1 });
  await ends(run, "timed_out", "timed-out");
});

test("a retry of a run, which keeps what was completed", async () => {
  stack.jobs.on("/late", (_, nth) => ({ status: nth === 1 ? 422 : 200 }));
  const run = await on.start([
    { step_ref: "a", calls: "/a" },
    { step_ref: "late", calls: "/late", depends_on: ["a"] },
  ]);
  expect(await on.ends(run)).toMatchObject({ status: "failed" });
  const retried = await stack.request<WorkflowRun>("POST", `/v1/workflow-runs/${run.id}/retry`);
  await ends(retried.body, "completed", "retried-run");
});

test("a sub-workflow and its parent", async () => {
  const child = await on.workflow([{ ...GATE, step_ref: "inner" }]);
  const sub = { step_type: "sub_workflow", sub_workflow_id: child.id };
  const childOf = ({ id }: { id: string }) =>
    until(async () => {
      const { body } = await stack.request<WorkflowRun[]>("GET", "/v1/workflow-runs");
      return body.find((run) => run.workflow_id === child.id && run.parent_workflow_run_id === id);
    });
  const parent = await on.start([{ step_ref: "sub", ...sub, event_emit_key: "nobody-waits" }]);
  const inner = await childOf(parent);
  await on.opens(inner, "inner");
  await does(inner, "approve", "inner");
  await ends(parent, "completed", "sub-workflow-parent");
  await ends(inner, "completed", "sub-workflow-child");

  const canceled = await on.start([{ step_ref: "sub", ...sub }]);
  const orphan = await childOf(canceled);
  await on.opens(orphan, "inner");
  await on.cancel(canceled);
  await ends(canceled, "canceled", "sub-workflow-parent-canceled");
  await ends(orphan, "canceled", "sub-workflow-child-canceled");
});

test("waits that are told of, canceled, and sent to before they begin", async () => {
  const held = await stack.request("POST", "/v1/events/early/send", { payload: { sent: "early" }, hold_secs: 600 });
  expect(held.status).toBe(202);
  const event_notify_url = stack.jobs.url("/told");
  const wait = { step_type: "wait_for_event", event_notify_url };
  const run = await on.start([
    { step_ref: "early", ...wait, event_key: "early" },
    { step_ref: "told", ...wait, event_key: "told", depends_on: ["early"], on_failure: "continue" },
  ]);
  await until(() => stack.jobs.callsTo("/told").length === 1);
  await until(async () => (await stack.request("DELETE", "/v1/events/told")).status === 200);
  await ends(run, "completed", "told-waits");
});

import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import type { JobRun } from "../../src/contract/jobs/runs.ts";
import type { WorkflowRun } from "../../src/contract/runs.ts";
import { createLog } from "../../src/log.ts";
import { commands } from "../../src/topics.ts";
import { createJob } from "./definitions.ts";
import { type Stack, startStack } from "../stack/harness.ts";
import { type LogLine, LogLines } from "../stack/log-lines.ts";
import { type Scenario, scenarioOn } from "../stack/scenario.ts";
import { GATE } from "../stack/step-drafts.ts";
import { until } from "../stack/until.ts";
import { TASK_QUEUE } from "../../workflows/messages.ts";

const log = new LogLines();
let stack: Stack;
let on: Scenario;
beforeAll(async () => {
  stack = await startStack({ logLevel: "debug", logTo: log });
  on = scenarioOn(stack);
});
afterAll(() => stack.stop());
beforeEach(() => {
  log.text = "";
});

const SECRET = "s3cr3t-of-a-payload";

test("a request is a line: what was asked by whom, how it was answered and how long it took", async () => {
  const run = await on.start([GATE], { payload: { card: SECRET } });
  const id = "asked-by-hand";
  await stack.request("GET", `/v1/workflow-runs/${run.id}`, undefined, { headers: { "x-request-id": id } });
  await stack.request("GET", `/v1/workflow-runs?tag_key=card&tag_value=${SECRET}`);
  await stack.request("GET", `/${SECRET}`);
  await stack.request("POST", `/v1/events/${SECRET}/send`, { payload: { card: SECRET } });
  const lines = await until(() => log.all("request").length >= 6 && log.all("request"));
  expect(lines.find(({ request_id }) => request_id === id)).toMatchObject({
    ...{ level: 30, method: "GET", route: "/v1/workflow-runs/:workflowRunID", status: 200, ms: expect.any(Number) },
    ...{ actor: "ada", project: "demo", run: run.id },
    time: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/),
  });
  expect(lines.map(({ route, status }) => [route, status])).toContainEqual([undefined, 404]);
  expect(log.text).not.toContain(SECRET);
  expect(log.text).not.toContain(stack.token());
});

test("a command is a line, also one that is refused, and one by an event", async () => {
  const run = await on.start([GATE, { step_ref: "paid", step_type: "wait_for_event", event_key: "paid-1" }]);
  await on.opens(run, "gate");
  await on.steer(run, "resume");
  await on.steer(run, "approve", "gate", undefined, { token: stack.token({ sub: "eve" }) });
  await on.steer(run, "approve", "gate");
  await on.sends("paid-1", { card: SECRET });
  await on.ends(run);
  await stack.request("DELETE", `/v1/workflow-runs/${run.id}`);
  const told = log.all("command").map(({ verb, actor, run, step, outcome }) => ({ verb, actor, run, step, outcome }));
  const of = { run: run.id, actor: "ada" };
  for (const line of [
    { ...of, verb: "trigger", outcome: "applied" },
    { ...of, verb: "resume", outcome: "invalid_state" },
    { ...of, actor: "eve", verb: "approve", step: "gate", outcome: "approver_not_allowed" },
    { ...of, verb: "approve", step: "gate", outcome: "applied" },
    { ...of, verb: "send-event", step: "paid", outcome: "applied" },
    { ...of, verb: "cancel", outcome: "invalid_state" },
  ])
    expect(told).toContainEqual({ step: undefined, ...line });
  expect(log.text).not.toContain(SECRET);
});

test("a command by hand, which no request tells of, is a line, too", async () => {
  const run = await on.start([GATE]);
  await on.opens(run, "gate");
  const by = { step_ref: "gate", actor: "on-call", may_override: true };
  await stack.deps.temporal.workflow.getHandle(run.id).signal("skip", by);
  await on.ends(run);
  const line = await until(() => log.all("command").find(({ verb }) => verb === "skip"));
  expect(line).toMatchObject({ level: 30, run: run.id, step: "gate", actor: "on-call", outcome: "applied" });
  const body = { project_id: "demo", operation: "cancel", ids: [run.id], max_per_second: 1 };
  const made = (await stack.request<{ id: string }>("POST", "/v1/bulk-operations", body)).body;
  await stack.deps.temporal.workflow.getHandle(made.id).signal("pause", { actor: "on-call" });
  const paused = await until(() => log.all("command").find(({ verb }) => verb === "pause"));
  expect(paused).toMatchObject({ level: 30, bulk_operation: made.id, actor: "on-call", outcome: "applied" });
});

test("a workflow task that fails is a line with its reason, and the execution by which Temporal knows the run", async () => {
  const { workflow } = stack.deps.temporal;
  const by = { taskQueue: TASK_QUEUE, workflowId: "begun-by-hand", args: [] };
  const { firstExecutionRunId } = await workflow.start("by-hand", by);
  const [line] = await until(() => log.all("Failing workflow task").length > 0 && log.all("Failing workflow task"));
  await workflow.getHandle(by.workflowId).terminate();
  expect(line).toMatchObject({
    level: 40,
    execution: firstExecutionRunId,
    reason: expect.stringContaining("undefined"),
  });
});

test("what an operation does to each of its runs is a command, a line that is counted; where there is nothing to do, it is none", async () => {
  const counted: string[] = [];
  commands.subscribe(({ verb, outcome }) => counted.push(`${verb} ${outcome}`));
  const { id } = await on.workflow([GATE]);
  const [open, canceled, over] = await Promise.all([1, 2, 3].map(() => on.trigger({ id })));
  const runs = [open, canceled, over] as WorkflowRun[];
  for (const run of runs) await on.opens(run, "gate");
  await on.cancel(canceled as WorkflowRun);
  await on.steer(over as WorkflowRun, "approve", "gate");
  await on.ends(over as WorkflowRun);
  log.text = "";
  counted.length = 0;
  for (const operation of ["pause", "cancel"]) {
    const body = { project_id: "demo", operation, ids: runs.map((run) => run.id) };
    const made = (await stack.request<{ id: string }>("POST", "/v1/bulk-operations", body)).body;
    const end = await until(() =>
      log.all("bulk operation ended").find(({ bulk_operation }) => bulk_operation === made.id),
    );
    expect(end).toMatchObject({ level: 30, project: "demo", operation, status: "completed", total: 3 });
  }
  const lines = log.all("command").map(({ verb, outcome, run, actor }) => [verb, outcome, run, actor]);
  expect(lines.sort()).toEqual([
    ...["cancel", "pause"].map((operation) => [`bulk-${operation}`, "applied", undefined, "ada"]),
    ["cancel", "applied", open?.id, "ada"],
    ["cancel", "invalid_state", over?.id, "ada"],
    ["pause", "applied", open?.id, "ada"],
    ...[canceled, over].map((run) => ["pause", "invalid_state", run?.id, "ada"]).sort(),
  ]);
  expect(counted.sort()).toEqual(lines.map(([verb, outcome]) => `${verb} ${outcome}`).sort());
});

test("what is said for a request names it, and the request's own line the run and the step that it was about", async () => {
  const { id } = await on.workflow([GATE]);
  const headers = { "x-request-id": "triggers" };
  const { body: run } = await stack.request<{ id: string }>("POST", `/v1/workflows/${id}/trigger`, {}, { headers });
  await on.opens(run, "gate");
  await on.steer(run, "approve", "gate", {}, { headers: { "x-request-id": "approves" } });
  const of = (request_id: string) => (line: LogLine) => line.request_id === request_id;
  const requests = await until(() => log.all("request").some(of("approves")) && log.all("request"));
  expect(log.all("command").find(of("triggers"))).toMatchObject({ verb: "trigger", run: run.id, actor: "ada" });
  expect(log.all("command").find(of("approves"))).toMatchObject({ verb: "approve", run: run.id, step: "gate" });
  expect(requests.find(of("triggers"))).toMatchObject({ run: run.id, actor: "ada" });
  expect(requests.find(of("approves"))).toMatchObject({ run: run.id, step: "gate", actor: "ada" });
});

test("all that is told of a job run by itself names the same run", async () => {
  stack.jobs.on("/refuses", () => ({ status: 422 }));
  const job = await createJob(stack, "/refuses");
  const { body } = await stack.request<{ id: string }>("POST", `/v1/jobs/${job.id}/trigger`, {});
  const end = await until(() => log.all("run ended").find(({ workflow }) => workflow === job.name));
  const of = { run: end.run, job_run: body.id };
  const replayed = await stack.request<JobRun>("POST", `/v1/runs/${body.id}/replay`, {});
  const again = { run: replayed.body.workflow_run_id, job_run: replayed.body.id };
  await until(() => log.all("run ended").some(({ run }) => run === again.run));
  const requests = await until(() => log.all("request").length >= 3 && log.all("request"));
  expect(log.all("attempt failed")[0]).toMatchObject(of);
  expect(log.all("command").filter(({ outcome }) => outcome === "applied")).toMatchObject([
    { verb: "trigger-job", ...of },
    { verb: "replay-job-run", ...again },
  ]);
  expect(requests.at(-1)).toMatchObject({ job_run: body.id, run: again.run });
});

test.each([
  ["nobody waits for", "order-{{payload.n}}", "no step waits for its key"],
  ["no step can wait for", "{{payload.none}}", "event key is required"],
  [
    "is the server's own",
    "{{payload.own}}{{payload.n}}",
    "must not begin with approval: or sleep:, which are reserved",
  ],
])("what a step emits under a key that %s is told, and never the key", async (_, event_emit_key, reason) => {
  const emits = { step_ref: "charge", calls: "/charge", event_emit_key };
  const run = await on.start([emits], { payload: { n: SECRET, none: "", own: "approval:" } });
  expect(await on.ends(run)).toMatchObject({ status: "completed" });
  const told = () => log.all("emitted event reached nobody").find((line) => line.run === run.id);
  expect(await until(told)).toMatchObject({ level: 30, step: "charge", reason });
  expect(log.text).not.toContain(SECRET);
});

test("each end of a run is a line, each failed attempt another, and the SDK's are none", async () => {
  stack.jobs.on("/fails", () => ({ status: 422, body: { card: SECRET } }));
  const workflow = await on.workflow([{ step_ref: "charge", calls: "/fails" }]);
  const runs = await Promise.all([1, 2, 3].map(() => on.trigger(workflow)));
  for (const run of runs) expect(await on.ends(run)).toMatchObject({ status: "failed" });
  const ids = runs.map(({ id }) => id).sort();
  // An earlier test's run may be told of as late as now.
  const told = () => log.all("run ended").filter(({ run }) => ids.includes(String(run)));
  const ends = await until(() => told().length >= runs.length && told());
  expect(ends.map(({ run }) => run).sort()).toEqual(ids);
  for (const end of ends)
    expect(end).toMatchObject({ level: 30, project: "demo", status: "failed", ms: expect.any(Number) });
  const failed = log.all("attempt failed");
  expect(failed.map(({ run }) => run).sort()).toEqual(ids);
  const { host } = new URL(stack.jobs.url("/"));
  for (const line of failed) expect(line).toMatchObject({ step: "charge", attempt: 1, class: "client", host });
  const steps = log.all("step").filter(({ status }) => status === "failed");
  expect(new Set(steps.map(({ run }) => run))).toEqual(new Set(ids));
  expect(log.text).not.toContain(SECRET);
  expect(log.text).not.toContain("Workflow failed");
});

test.each([
  ["expired", () => stack.token({}, -10), "token: expired"],
  ["none", () => "", "invalid or missing bearer token"],
  ["no JWT", () => SECRET, "token: not a JWT"],
  ["of another secret", () => `${stack.token()}x`, "token: signed with another key than this server's"],
])("refused credentials (%s) are a line with the reason, and never the token", async (_, token, reason) => {
  const sent = token();
  const headers: Record<string, string> = sent ? { authorization: `Bearer ${sent}` } : {};
  await stack.request("GET", "/v1/workflow-runs", undefined, { token: "", headers });
  const line = await until(() => log.all("request").find(({ status }) => status === 401));
  expect(line).toMatchObject({ level: 40, code: "unauthorized" });
  expect(line.reason).toContain(reason);
  if (sent) expect(log.text).not.toContain(sent);
});

test("an error has its words under either name, its causes', and nothing of its other members", () => {
  const lines = new LogLines();
  const logger = createLog({ logLevel: "info" }, "test", lines);
  const cause = Object.assign(new Error("duplicate key"), { code: "23505", detail: `Key (card)=(${SECRET})` });
  for (const name of ["err", "error"]) logger.warn({ [name]: new TypeError("not stored", { cause }) }, "said");
  logger.warn({ error: "a string" }, "said");
  const [err, error, text] = lines.all("said");
  for (const told of [err?.err, error?.error])
    expect(told).toMatchObject({
      ...{ type: "TypeError", message: "not stored", stack: expect.stringContaining("logs.test.ts") },
      cause: { message: "duplicate key", code: "23505" },
    });
  expect(text?.error).toEqual({ message: "a string" });
  expect(lines.text).not.toContain(SECRET);
});

test("a run that has ended for Temporal alone is a line, without what its endpoint said", async () => {
  stack.jobs.on("/declines", () => ({ status: 400, body: { card: SECRET } }));
  const run = await on.start([{ step_ref: "charge", calls: "/declines" }]);
  expect(await on.ends(run)).toMatchObject({ error: expect.stringContaining(SECRET) });
  // As a backup has it that was made before the end.
  await stack.deps.db.query(
    `update workflow_runs set status = 'running', finished_at = null, error = null, created_at = created_at - interval '1 minute',
       revision = revision - 60000000 where id = $1`,
    [run.id],
  );
  await on.becomes(run, "failed");
  const [line] = log.all("run was ended from outside");
  expect(line).toMatchObject({ run: run.id, status: "failed" });
  expect(log.text).not.toContain(SECRET);
});

test("for people the lines are words", () => {
  const lines = new LogLines();
  createLog({ logLevel: "info", logFormat: "pretty" }, "api", lines).info({ port: 8080 }, "listening");
  expect(lines.text).toMatch(/INFO \(api\): listening\n +port: 8080/);
});

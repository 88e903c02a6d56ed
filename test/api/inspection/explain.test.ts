import { v7 as uuid } from "uuid";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { z } from "zod";
import type { WorkflowRun } from "../../../src/contract/runs.ts";
import {
  createJob,
  createWorkflow,
  gate,
  getRun,
  getStep,
  ok,
  opens,
  reaches,
  runOf,
  trigger,
  wait,
  work,
} from "../definitions.ts";
import { answered, envelope, id, present, refused, text, time } from "../shapes.ts";
import { type Stack, startStack } from "../../stack/harness.ts";
import { until } from "../../stack/until.ts";

let stack: Stack;
beforeAll(async () => {
  stack = await startStack();
});
afterAll(() => stack.stop());

const decision = z.strictObject({
  id,
  workflow_run_id: id,
  step_run_id: id.optional(),
  step_ref: text,
  decision_type: z.enum(["scheduler", "concurrency", "resource", "condition"]),
  decision: z.enum(["wait", "skip", "complete", "cancel"]),
  explanation: text,
  details: z.record(text, present),
  created_at: time,
});
const page = envelope(decision);
type Decision = z.infer<typeof decision>;

const path = ({ id: run }: Pick<WorkflowRun, "id">, query = "") => `/v1/workflow-runs/${run}/explain${query}`;
const explained = async (run: WorkflowRun, query = "?limit=100"): Promise<Decision[]> =>
  answered(await stack.request("GET", path(run, query)), 200, page).data;
const said = (decisions: Decision[]) =>
  decisions.map(
    ({ step_ref, decision_type: type, decision: what, explanation }) => `${step_ref} ${type}/${what} ${explanation}`,
  );
/** Once the mirror has it. */
const tells = (run: WorkflowRun, line: string | RegExp) =>
  until(async () =>
    said(await explained(run)).some((one) => (typeof line === "string" ? one === line : line.test(one))),
  );

const verb = (run: WorkflowRun, what: string, body?: object) =>
  ok(stack, "POST", `/v1/workflow-runs/${run.id}/${what}`, body);

describe("why a step waits", () => {
  test("for what it depends on, which is told as it is now", async () => {
    const run = await runOf(stack, [gate("a"), gate("b"), gate("c"), gate("join", { depends_on: ["a", "b", "c"] })]);
    for (const ref of ["a", "b", "c"]) await opens(stack, run, ref);
    await verb(run, "steps/a/approve");
    await verb(run, "steps/c/approve");
    const [one] = await explained(run, "?step_ref=join");
    expect(one).toMatchObject({
      workflow_run_id: run.id,
      step_run_id: (await getStep(stack, run, "join")).id,
      decision_type: "scheduler",
      decision: "wait",
      explanation: "2 of 3 done: waits for `b`",
      details: { reason: "dependencies", done: 2, required: 3, waits_for: ["b"] },
      created_at: (await getStep(stack, run, "c")).finished_at,
    });
    await verb(run, "steps/b/approve");
    await opens(stack, run, "join");
    await tells(run, "join scheduler/wait approval of ada");
    expect(await explained(run, "?step_ref=join")).toHaveLength(1);
  });

  test("for an approval, an event, a sleep's end", async () => {
    const run = await runOf(
      stack,
      [
        gate("gate", { approval_approvers: ["ops", "ada"], approval_timeout_secs: 3600 }),
        gate("endless"),
        wait("wait", "order-{{payload.n}}", { event_timeout_secs: 60 }),
        { step_ref: "sleep", step_type: "sleep", sleep_duration_secs: 600 },
      ],
      {},
      { payload: { n: 7 } },
    );
    await opens(stack, run, "gate");
    await opens(stack, run, "wait");
    await tells(run, /wait scheduler\/wait/);
    const all = await explained(run);
    const of = (ref: string) => all.filter(({ step_ref }) => step_ref === ref);
    const startOf = async (ref: string) => (await getStep(stack, run, ref)).started_at ?? "";
    const later = async (ref: string, secs: number) => {
      const at = await startOf(ref);
      return new Date(Date.parse(at) + secs * 1000).toISOString().slice(0, 19);
    };
    expect(of("gate")).toMatchObject([{ decision: "wait", created_at: await startOf("gate") }]);
    expect(of("gate")[0]?.explanation).toContain(`approval of ops, ada until ${await later("gate", 3600)}`);
    expect(of("gate")[0]?.details).toMatchObject({ reason: "approval", approvers: ["ops", "ada"] });
    expect(of("endless")).toMatchObject([{ explanation: "approval of ada", details: { reason: "approval" } }]);
    expect(of("wait")).toHaveLength(1);
    expect(of("wait")[0]?.explanation).toContain(`waits for event order-7 until ${await later("wait", 60)}`);
    expect(of("sleep")[0]?.explanation).toContain(`sleeps until ${await later("sleep", 600)}`);
  });

  test("for its next attempt", async () => {
    stack.jobs.on("/fails", () => ({ status: 503, headers: { "retry-after": "3600" } }));
    const job = await createJob(stack, "/fails", { max_attempts: 5 });
    const run = await runOf(stack, [work("call", job)]);
    await tells(run, /^call scheduler\/wait retry 2 of 5 at /);
    const [one] = await explained(run);
    expect(one?.details).toMatchObject({ reason: "retry", attempt: 2, max_attempts: 5 });
    expect(Date.parse(String(one?.details.at)) - Date.parse(one?.created_at ?? "")).toBeGreaterThan(3_500_000);
  });

  test("for a place under a limit, each limit by its type; and what is over is told still", async () => {
    const answers: (() => void)[] = [];
    stack.jobs.on("/slow", () => new Promise((resolve) => answers.push(() => resolve({}))));
    const job = await createJob(stack, "/slow");
    const large = (n: number) => work(`large${n}`, job, { resource_class: "large" });
    const keyed = (ref: string) => work(ref, job, { concurrency_key: "deploy" });
    const steps = [...[1, 2, 3, 4, 5, 6, 7].map(large), keyed("one"), keyed("two")];
    const run = await runOf(stack, steps);
    await tells(run, "two concurrency/wait another step holds the concurrency_key deploy");
    const all = said(await explained(run)).sort();
    expect(all).toEqual([
      "large6 resource/wait limit large 5/5",
      "large7 resource/wait limit large 5/5",
      "two concurrency/wait another step holds the concurrency_key deploy",
    ]);
    const typed = (type: string) => explained(run, `?decision_type=${type}`).then(said);
    expect((await typed("resource")).sort()).toEqual(all.slice(0, 2));
    expect(await typed("concurrency")).toEqual(all.slice(2));
    expect(await typed("condition")).toEqual([]);

    const narrow = await runOf(stack, [work("a", job), work("b", job)], { max_parallel_steps: 1 });
    await tells(narrow, "b scheduler/wait limit max_parallel_steps 1/1");
    await until(() => answers.length === 7);
    const answering = setInterval(() => answers.pop()?.(), 10);
    await reaches(stack, run, "completed");
    await reaches(stack, narrow, "completed");
    clearInterval(answering);
    expect(said(await explained(run)).sort()).toEqual(all);
  });

  test("for who paused the run", async () => {
    const run = await runOf(stack, [gate("a"), gate("b", { depends_on: ["a"] })]);
    await opens(stack, run, "a");
    await verb(run, "pause");
    await verb(run, "steps/a/approve");
    await tells(run, "b scheduler/wait the run is paused by ada");
    await verb(run, "resume");
    await opens(stack, run, "b");
    await tells(run, "b scheduler/wait approval of ada");
    expect(said(await explained(run, "?step_ref=b"))).toEqual([
      "b scheduler/wait approval of ada",
      "b scheduler/wait the run is paused by ada",
    ]);
  });
});

describe("why a step ended without its own work", () => {
  test("its condition with the values it compared; and what comes after a dead end", async () => {
    stack.jobs.on("/price", () => ({ body: { amount: 5, currency: "EUR" } }));
    const job = await createJob(stack, "/price");
    const condition = {
      type: "all_of",
      conditions: [
        { type: "eq", left: { ref: "outputs.price.currency" }, right: "EUR" },
        { type: "gt", left: { ref: "outputs.price.amount" }, right: 1000 },
      ],
    };
    const run = await runOf(stack, [
      work("price", job),
      work("charge", job, { depends_on: ["price"], condition, on_skip: "skip_dependents" }),
      work("after", job, { depends_on: ["charge"] }),
    ]);
    await reaches(stack, run, "completed");
    const tests = [
      { test: 'outputs.price.currency ("EUR") eq "EUR"', held: true },
      { test: "outputs.price.amount (5) gt 1000", held: false },
    ];
    expect(await explained(run, "?step_ref=charge")).toMatchObject([
      {
        decision_type: "condition",
        decision: "skip",
        explanation: `condition is false: ${tests[0]?.test} is true; ${tests[1]?.test} is false`,
        details: { reason: "condition", tests, condition },
        created_at: (await getStep(stack, run, "charge")).finished_at,
      },
    ]);
    expect(said(await explained(run, "?decision_type=condition"))).toHaveLength(1);
    expect(said(await explained(run, "?step_ref=after"))).toEqual([
      "after scheduler/skip cannot run after `charge`, which is skipped",
    ]);
  });

  test("who skipped and force-completed it, and why", async () => {
    const run = await runOf(stack, [gate("a"), gate("b"), gate("c", { depends_on: ["a", "b"] })]);
    await opens(stack, run, "a");
    await opens(stack, run, "b");
    await verb(run, "steps/a/skip", { reason: "not needed" });
    await verb(run, "steps/b/force-complete", { result: 1 });
    const lines = said(await explained(run));
    expect(lines).toContain("a scheduler/skip skipped by ada: not needed");
    expect(lines).toContain("b scheduler/complete force-completed by ada");
    const [skipped] = await explained(run, "?step_ref=a");
    expect(skipped?.details).toEqual({ reason: "skip", by: "ada", comment: "not needed" });
    const refusedSkip = await stack.request("POST", `/v1/workflow-runs/${run.id}/steps/a/skip`);
    expect(refusedSkip.status).toBe(400);
    expect(said(await explained(run, "?step_ref=a"))[0]).toBe("a scheduler/skip skipped by ada: not needed");
  });

  test("who left it out at the trigger", async () => {
    const workflow = await createWorkflow(stack, [gate("a"), gate("off")]);
    const run = await trigger(stack, workflow, { step_overrides: { off: false } });
    const [one] = await explained(run, "?step_ref=off");
    expect(one).toMatchObject({ decision: "skip", explanation: "disabled by ada in the trigger's step_overrides" });
    expect(one).not.toHaveProperty("step_run_id");
  });

  test("who canceled the run, which the run tells as well", async () => {
    const run = await runOf(stack, [gate("a"), gate("b", { depends_on: ["a"] })]);
    await opens(stack, run, "a");
    expect(await getRun(stack, run)).not.toHaveProperty("canceled_by");
    const eve = { token: stack.token({ sub: "eve" }) };
    await ok(stack, "DELETE", `/v1/workflow-runs/${run.id}`, undefined, eve);
    expect(await getRun(stack, run)).toMatchObject({ status: "canceled", canceled_by: "eve" });
    expect(said(await explained(run, "?step_ref=b"))).toEqual(["b scheduler/cancel the run ended as canceled by eve"]);
    // Opened again and canceled by somebody else.
    await verb(run, "steps/a/retry");
    await opens(stack, run, "a");
    const key = { headers: { "idempotency-key": "stop" } };
    await ok(stack, "DELETE", `/v1/workflow-runs/${run.id}`, undefined, key);
    expect(await getRun(stack, run)).toMatchObject({ canceled_by: "ada" });
    const failed = await runOf(stack, [gate("a"), gate("b", { depends_on: ["a"] })]);
    await opens(stack, failed, "a");
    await verb(failed, "steps/a/reject", { reason: "no" });
    expect(said(await explained(failed, "?step_ref=b"))).toEqual([
      "b scheduler/cancel the run ended as failed: approval rejected by ada: no",
    ]);
  });

  test("a bulk operation that canceled it tells its owner", async () => {
    const run = await runOf(stack, [gate("a")]);
    await opens(stack, run, "a");
    const body = { project_id: "demo", operation: "cancel", ids: [run.id] };
    await ok(stack, "POST", "/v1/bulk-operations", body, { token: stack.token({ sub: "ops" }) });
    expect(await reaches(stack, run, "canceled")).toMatchObject({ canceled_by: "ops" });
  });
});

describe("the list", () => {
  test("is newest first, page by page the same as at once", async () => {
    const many = Array.from({ length: 30 }, (_, i) => gate(`g${i}`));
    const run = await runOf(stack, [...many, gate("join", { depends_on: many.map(({ step_ref }) => step_ref) })]);
    await until(async () => (await explained(run)).length === 31);
    await verb(run, "steps/g3/skip");
    await until(async () => (await explained(run)).length === 32);
    const all = await explained(run);
    const times = all.map(({ created_at }) => Date.parse(created_at));
    expect(times).toEqual([...times].sort((a, b) => b - a));
    expect(new Set(all.map((one) => one.id)).size).toBe(32);
    const paged: Decision[] = [];
    let cursor: string | undefined;
    do {
      const next: string = cursor === undefined ? "" : `&cursor=${encodeURIComponent(cursor)}`;
      const part: z.infer<typeof page> = answered(await stack.request("GET", path(run, `?limit=7${next}`)), 200, page);
      paged.push(...part.data);
      expect(part.has_more).toBe(part.next_cursor !== undefined);
      cursor = part.next_cursor;
    } while (cursor !== undefined && paged.length <= all.length);
    expect(paged).toEqual(all);
    expect(await explained(run, `?cursor=${run.created_at}`)).toEqual([]);
  });

  test("refuses what it does not know, and tells nothing of others' runs", async () => {
    const run = await runOf(stack, [gate("a")]);
    const ask = (query: string) => stack.request("GET", path(run, query));
    refused(await ask("?decision_type=other"), 400, "validation_error", "decision_type is invalid");
    refused(await ask("?envelope=false"), 400, "validation_error", /./);
    refused(await ask("?limit=0"), 400, "validation_error", "limit must be a positive integer");
    refused(await ask("?cursor=x"), 400, "validation_error", "cursor must be a valid RFC3339 timestamp");
    expect(refused(await ask("?nonsense=1"), 400, "validation_error", /./).details).toEqual([
      "nonsense: unknown parameter",
    ]);
    expect(await explained(run, "?step_ref=nobody")).toEqual([]);
    for (const unknown of [uuid(), "x"])
      refused(await stack.request("GET", path({ id: unknown })), 404, "not_found", "workflow run not found");
    const token = stack.token({ projects: ["other"] });
    refused(await stack.request("GET", path(run), undefined, { token }), 404, "not_found", "workflow run not found");
  });
});

import { v7 as uuid } from "uuid";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { z } from "zod";
import { createJob, createWorkflow, gate, getStep, ok, opens, reaches, runOf, trigger, work } from "../definitions.ts";
import { type Decision, explainedOn, page, path, said } from "./explained.ts";
import { answered, refused } from "../shapes.ts";
import { type Stack, startStack } from "../../stack/harness.ts";
import { until } from "../../stack/until.ts";

let stack: Stack;
beforeAll(async () => {
  stack = await startStack();
});
afterAll(() => stack.stop());

const { explained, verb } = explainedOn(() => stack);

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

  test("who canceled the run, and why else it ended", async () => {
    const run = await runOf(stack, [gate("a"), gate("b", { depends_on: ["a"] })]);
    await opens(stack, run, "a");
    const eve = { token: stack.token({ sub: "eve" }) };
    await ok(stack, "DELETE", `/v1/workflow-runs/${run.id}`, undefined, eve);
    expect(said(await explained(run, "?step_ref=b"))).toEqual(["b scheduler/cancel the run ended as canceled by eve"]);
    // Opened again and canceled by somebody else.
    await verb(run, "steps/a/retry");
    await opens(stack, run, "a");
    const key = { headers: { "idempotency-key": "stop" } };
    await ok(stack, "DELETE", `/v1/workflow-runs/${run.id}`, undefined, key);
    expect(said(await explained(run, "?step_ref=b"))).toEqual(["b scheduler/cancel the run ended as canceled by ada"]);
    expect((await explained(run, "?step_ref=b"))[0]?.details).toEqual({
      reason: "run_over",
      status: "canceled",
      by: "ada",
    });
    const failed = await runOf(stack, [gate("a"), gate("b", { depends_on: ["a"] })]);
    await opens(stack, failed, "a");
    await verb(failed, "steps/a/reject", { reason: "no" });
    expect(said(await explained(failed, "?step_ref=b"))).toEqual([
      "b scheduler/cancel the run ended as failed: approval rejected by ada: no",
    ]);
  });

  test("why it was canceled, where that was said: here, and in Temporal", async () => {
    const run = await runOf(stack, [gate("a")]);
    await opens(stack, run, "a");
    const path = `/v1/workflow-runs/${run.id}?reason=no%20longer%20%3Cneeded%3E`;
    await ok(stack, "DELETE", `${path}&dryRun=true`);
    const key = { headers: { "idempotency-key": "why" } };
    await ok(stack, "DELETE", path, undefined, key);
    expect(said((await explained(run)).slice(0, 1))).toEqual([
      "a scheduler/cancel the run ended as canceled by ada: no longer <needed>",
    ]);
    const { events } = await stack.deps.temporal.workflow.getHandle(run.id).fetchHistory();
    const asked = events?.find((event) => event.workflowExecutionCancelRequestedEventAttributes);
    expect(asked?.workflowExecutionCancelRequestedEventAttributes?.cause).toBe("why: no longer <needed>");
    // The same key for another reason is another request.
    const other = await stack.request("DELETE", `/v1/workflow-runs/${run.id}?reason=other`, undefined, key);
    expect(other).toMatchObject({ status: 409 });
    for (const bad of ["reason=a&reason=b", `reason=${"x".repeat(4097)}`, "reason=%00"])
      expect(await stack.request("DELETE", `/v1/workflow-runs/${run.id}?${bad}`)).toMatchObject({ status: 400 });
  });

  test("a bulk operation that canceled it tells its owner, and why", async () => {
    const run = await runOf(stack, [gate("a")]);
    await opens(stack, run, "a");
    const body = { project_id: "demo", operation: "cancel", ids: [run.id], reason: "obsolete" };
    await ok(stack, "POST", "/v1/bulk-operations", body, { token: stack.token({ sub: "ops" }) });
    await reaches(stack, run, "canceled");
    await until(
      async () => said(await explained(run))[0] === "a scheduler/cancel the run ended as canceled by ops: obsolete",
    );
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
    expect(refused(await ask("?step_ref=nobody"), 404, "not_found", "workflow step run not found").details).toEqual([
      'step_ref: the run has no step "nobody"',
    ]);
    for (const unknown of [uuid(), "x"])
      refused(await stack.request("GET", path({ id: unknown })), 404, "not_found", "workflow run not found");
    const token = stack.token({ projects: ["other"] });
    refused(await stack.request("GET", path(run), undefined, { token }), 404, "not_found", "workflow run not found");
  });
});

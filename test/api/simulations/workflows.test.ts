import { v7 as uuid } from "uuid";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { WorkflowSimulation } from "../../../src/contract/simulation/simulations.ts";
import type { Job } from "../../../src/contract/jobs/jobs.ts";
import { simulatingOn, stepOf } from "./simulating.ts";
import { createJob, createWorkflow, gate, ok, wait, work } from "../definitions.ts";
import { refused } from "../shapes.ts";
import { type Stack, startStack } from "../../stack/harness.ts";

let stack: Stack;
let job: Job;
beforeAll(async () => {
  stack = await startStack({ worker: false });
  job = await createJob(stack, "/work", { max_attempts: 3, timeout_secs: 60 });
});
afterAll(() => stack.stop());

const { post, simulated } = simulatingOn(() => stack);
/** Since the beginning of the run. */
const msAt = ({ started_at }: WorkflowSimulation, time = "") => Date.parse(time) - Date.parse(started_at);

describe("a simulated run of a workflow", () => {
  test("of which nothing is said completes at once, and does nothing", async () => {
    const made = await createWorkflow(stack, [work("b", job, { depends_on: ["a"] }), gate("a")]);
    const { body } = await post(made);
    expect(body).toMatchObject({
      workflow_id: made.id,
      version: 1,
      version_id: made.version_id,
      predicted_order: ["a", "b"],
      step_count: 2,
      status: "completed",
      duration_ms: 0,
      steps: [
        { step_ref: "a", step_type: "approval", status: "completed", assumed: true },
        { step_ref: "b", status: "completed", assumed: true, payload: { parent_outputs: {} } },
      ],
    });
    expect(stack.jobs.calls).toEqual([]);
    expect(await ok(stack, "GET", `/v1/workflows/${made.id}/runs`)).toEqual([]);
  });

  test("says of a value that is lacking that the output was only assumed", async () => {
    const steps = [work("a", job), work("b", job, { depends_on: ["a"], payload: { n: "{{outputs.a.n}}" } })];
    const lacking = "outputs.a.n has no value";
    const error = `${lacking}: the output of a is assumed to be empty, outcomes.a.output can say another`;
    const assumed = await simulated(steps);
    expect([assumed.error, stepOf(assumed, "b")?.error]).toEqual([error, error]);
    expect(await simulated(steps, { outcomes: { a: { output: {} } } })).toMatchObject({ error: lacking });
    const nap = { step_ref: "a", step_type: "sleep", sleep_duration_secs: 1 };
    expect(await simulated([nap, ...steps.slice(1)])).toMatchObject({ error: lacking });
    expect(await simulated(steps, { outcomes: { a: { output: { n: 1 } } } })).toMatchObject({ status: "completed" });
  });

  test("tells attempts with their delays, sleeps and what all takes together", async () => {
    const retries = { retry_max_attempts: 3, retry_initial_delay_secs: 10 };
    const answer = await simulated(
      [
        work("flaky", job, retries),
        { step_ref: "nap", step_type: "sleep", sleep_duration_secs: 90, depends_on: ["flaky"] },
      ],
      { outcomes: { flaky: { failure: { status_code: 503, attempts: 2 }, output: { ok: 1 }, duration_secs: 5 } } },
    );
    const flaky = stepOf(answer, "flaky");
    expect(flaky).toMatchObject({ status: "completed", output: { ok: 1 }, duration_ms: 45_000 });
    expect(flaky).not.toHaveProperty("assumed");
    const failure = { status: "failed", class: "server", error: "endpoint returned 503" };
    expect(flaky?.attempts).toMatchObject([failure, failure, { attempt: 3, status: "completed" }]);
    const times = flaky?.attempts
      ?.flatMap((one) => [one.started_at, one.finished_at, one.next_attempt_at ?? []])
      .flat();
    expect(times?.map((time) => msAt(answer, time))).toEqual([
      0, 5_000, 15_000, 15_000, 20_000, 40_000, 40_000, 45_000,
    ]);
    expect(stepOf(answer, "nap")).toMatchObject({ duration_ms: 90_000, output: { slept_for_secs: 90 } });
    expect(answer).toMatchObject({ status: "completed", duration_ms: 135_000 });
    expect(msAt(answer, answer.finished_at)).toBe(135_000);
  });

  test("renders each payload and key from what came before", async () => {
    const answer = await simulated(
      [
        work("price", job, { payload: { order: "{{payload.order}}", as: "{{run.created_by}}" } }),
        wait("paid", "paid/{{payload.order}}", { depends_on: ["price"] }),
        work("ship", job, {
          depends_on: ["paid"],
          payload: { amount: "{{outputs.price.amount}}", by: "{{parent_outputs.paid.by}}" },
          event_emit_key: "shipped/{{payload.order}}",
        }),
      ],
      {
        payload: { order: 12345678901234567890n },
        outcomes: { price: { output: { amount: 3 } }, paid: { event: { by: "card" } } },
      },
    );
    expect(stepOf(answer, "price")?.payload).toEqual({ order: 12345678901234567890n, as: "ada" });
    expect(stepOf(answer, "paid")).toMatchObject({ event_key: "paid/12345678901234567890", output: { by: "card" } });
    expect(stepOf(answer, "ship")).toMatchObject({
      payload: { amount: 3, by: "card", parent_outputs: { paid: { by: "card" } } },
      event_emit_key: "shipped/12345678901234567890",
    });
  });

  test("says why a step is skipped, with what its condition compares, and which one it depends on", async () => {
    const asks = { type: "gt", left: { ref: "outputs.score.points" }, right: 5 };
    const answer = await simulated(
      [
        work("score", job),
        gate("review", { depends_on: ["score"], condition: asks, on_skip: "skip_dependents" }),
        work("publish", job, { depends_on: ["review"] }),
        work("bad", job, { on_failure: "skip_dependents" }),
        work("after", job, { depends_on: ["bad"] }),
      ],
      { outcomes: { score: { output: { points: 3 } }, bad: { failure: { class: "client", error: "no" } } } },
    );
    expect(stepOf(answer, "review")).toMatchObject({
      status: "skipped",
      cause: "condition",
      reason: "its condition does not hold (outputs.score.points (3) gt 5: false)",
    });
    const dependency = { status: "skipped", cause: "dependency" };
    expect(stepOf(answer, "publish")).toMatchObject({
      ...dependency,
      reason: "review, which it depends on, is skipped",
    });
    expect(stepOf(answer, "after")).toMatchObject({ ...dependency, reason: "bad, which it depends on, is failed" });
    expect(answer.status).toBe("failed");
    expect(answer.steps.map(({ step_ref }) => step_ref)).toEqual(["score", "bad", "review", "publish", "after"]);
  });

  test("ends as a run would: by a failed step, a reference without a value, its time", async () => {
    const failing = { outcomes: { a: { failure: { class: "auth", error: "denied" } }, b: { duration_secs: 9 } } };
    const failed = await simulated([work("a", job), work("b", job)], failing);
    expect(failed).toMatchObject({ status: "failed", error: "denied" });
    expect(stepOf(failed, "b")).toMatchObject({ status: "canceled", reason: "the run ended as failed" });

    const unknown = await simulated([work("a", job, { payload: { x: "{{payload.x}}" } })]);
    expect(unknown).toMatchObject({
      status: "failed",
      error: "payload.x has no value",
      steps: [{ attempts: [{ class: "template" }] }],
    });

    const slow = await simulated([gate("a")], { outcomes: { a: { duration_secs: 61 } } }, { timeout_secs: 60 });
    expect(slow).toMatchObject({ status: "timed_out", error: "workflow timed out", duration_ms: 60_000 });
    const late = await simulated([work("a", job)], { outcomes: { a: { duration_secs: 61 } } });
    expect(stepOf(late, "a")?.attempts?.[0]).toMatchObject({ class: "timeout", error: "execution timed out" });
  });

  test("has gates decided and events sent, or not", async () => {
    const child = await createWorkflow(stack, [gate("a")]);
    const answer = await simulated(
      [
        gate("rejected", { on_failure: "continue", approval_approvers: ["ada", "bob"] }),
        gate("late", { on_failure: "continue", approval_timeout_secs: 30 }),
        wait("lost", "key", { on_failure: "continue" }),
        { step_ref: "sub", sub_workflow_id: child.id, on_failure: "continue" },
        { step_ref: "well", sub_workflow_id: child.id },
      ],
      {
        outcomes: {
          rejected: { decision: "reject", by: "bob", reason: "not now", duration_ms: 7 },
          late: { times_out: true },
          lost: { times_out: true },
          sub: { failure: { error: "child failed" } },
          well: { output: { a: 1 } },
        },
      },
    );
    expect(stepOf(answer, "rejected")).toMatchObject({ error: "approval rejected by bob: not now", duration_ms: 7 });
    expect(stepOf(answer, "late")).toMatchObject({ error: "approval timed out", duration_ms: 30_000 });
    expect(stepOf(answer, "lost")).toMatchObject({ error: "event trigger timed out", duration_ms: 3_600_000 });
    expect(stepOf(answer, "sub")).toMatchObject({ status: "failed", error: "child failed" });
    expect(stepOf(answer, "well")).toMatchObject({ output: { a: 1 } });
    expect(answer).toMatchObject({ status: "completed", duration_ms: 3_600_000 });
  });

  test("is of an older version, or of the steps that overrides leave", async () => {
    const made = await createWorkflow(stack, [gate("a"), gate("b")]);
    await ok(stack, "PATCH", `/v1/workflows/${made.id}`, { steps: [gate("a"), gate("b"), gate("c")] });
    expect((await post(made)).body).toMatchObject({ version: 2, step_count: 3 });
    expect((await post(made, { version_id: made.version_id })).body).toMatchObject({ version: 1, step_count: 2 });
    expect((await post(made, { step_overrides: { a: false } })).body.predicted_order).toEqual(["b", "c"]);
    refused(await post(made, { version_id: "ver_aaaaaaaaaaaa" }), 404, "not_found", "workflow version not found");
    const other = await createWorkflow(stack, [gate("a")]);
    refused(await post(made, { version_id: other.version_id }), 404, "not_found", "workflow version not found");
    refused(await post({ id: uuid() }), 404, "not_found", "workflow not found");
  });

  test("calls no job that is disabled, and minds its schema", async () => {
    const off = await createJob(stack, "/off");
    await ok(stack, "POST", `/v1/jobs/${off.id}/disable`);
    const strict = await createJob(stack, "/strict", { payload_schema: { required: ["order"] } });
    const answer = await simulated([
      work("off", off, { on_failure: "continue" }),
      work("strict", strict, { on_failure: "continue" }),
    ]);
    expect(stepOf(answer, "off")?.error).toBe(`job ${off.id} is disabled`);
    expect(stepOf(answer, "strict")?.error).toMatch(/required property 'order' \(payload_schema\)$/);
  });
});

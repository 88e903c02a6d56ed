import { v7 as uuid } from "uuid";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { WorkflowRun } from "../../../src/contract/runs.ts";
import { findWaitingEventTrigger } from "../../../src/store/event-triggers.ts";
import { createWorkflow, gate, getStep, listed, ok, opens, reaches, runOf, trigger, wait } from "../definitions.ts";
import { answered, eventTrigger, gateAnswer, refused } from "../shapes.ts";
import { type RequestOptions, type Stack, startStack } from "../../stack/harness.ts";
import { until } from "../../stack/until.ts";

let stack: Stack;
beforeAll(async () => {
  stack = await startStack();
});
afterAll(() => stack.stop());

const send = (key: string, body?: unknown, options?: RequestOptions & { query?: string }) =>
  stack.request("POST", `/v1/events/${encodeURIComponent(key)}/send${options?.query ?? ""}`, body, options);

/** A run that waits for the key, and then at a gate. */
async function waiting(key: string, over = {}): Promise<WorkflowRun> {
  const run = await runOf(stack, [wait("paid", key, over), gate("gate", { depends_on: ["paid"] })]);
  await listens(run, key);
  return run;
}

/** An open step's key is a moment later where events are sent to. */
const listens = (run: WorkflowRun, key: string) =>
  until(async () => (await findWaitingEventTrigger(stack.deps.db, "demo", key))?.run_id === run.id);
const NOT_WAITING = "event trigger is not in waiting state";

describe("sending an event", () => {
  test("completes the step with the payload, says who sent it, and what waits for the step goes on", async () => {
    const run = await waiting("paid-7", { event_timeout_secs: 60 });
    const answer = await send("paid-7", { payload: { amount: 12345678901234567890n } });
    const sent = answered(answer, 200, eventTrigger);
    const { id, started_at, ...paid } = await getStep(stack, run, "paid");
    expect(sent).toMatchObject({
      id: `evt:${id}`,
      event_key: "paid-7",
      project_id: "demo",
      source_type: "workflow_step",
      trigger_type: "event",
      status: "received",
      timeout_secs: 60,
      workflow_run_id: run.id,
      workflow_step_run_id: id,
      response_payload: { amount: 12345678901234567890n },
      requested_at: started_at,
      sent_by: "ada",
    });
    expect(Date.parse(sent.expires_at ?? "") - Date.parse(sent.requested_at)).toBe(60_000);
    expect(paid).toMatchObject({
      status: "completed",
      output: { amount: 12345678901234567890n },
      finished_at: sent.received_at,
    });
    await opens(stack, run, "gate");
  });

  test("of the last step completes the run, and the list shows it", async () => {
    const run = await runOf(stack, [wait("paid", "last-key")]);
    await listens(run, "last-key");
    answered(await send("last-key"), 200, eventTrigger);
    expect((await listed(stack, run))?.status).toBe("completed");
  });

  test("needs no payload and no body", async () => {
    for (const [i, body] of [undefined, "", {}, { payload: null }].entries()) {
      await waiting(`bare-${i}`);
      expect(answered(await send(`bare-${i}`, body), 200, eventTrigger)).not.toHaveProperty("response_payload");
    }
  });

  test("again is fine with an equal payload, and a conflict with another", async () => {
    await waiting("twice");
    const first = answered(await send("twice", { payload: { a: 1, b: [2] } }), 200, eventTrigger);
    const again = answered(await send("twice", '{"payload": {"b": [2], "a": 1.0}}'), 200, eventTrigger);
    expect(again).toEqual(first);
    refused(await send("twice", { payload: { a: 2 } }), 409, "conflict", NOT_WAITING);
    refused(await send("twice"), 409, "conflict", NOT_WAITING);
  });

  test("ten times at once, each with its own payload, is received once", async () => {
    const run = await waiting("raced");
    const answers = await Promise.all(Array.from({ length: 10 }, (_, payload) => send("raced", { payload })));
    const received = answers.filter(({ status }) => status === 200);
    expect(received).toHaveLength(1);
    for (const answer of answers) if (answer.status !== 200) refused(answer, 409, "conflict", NOT_WAITING);
    const { response_payload } = answered(received[0] as never, 200, eventTrigger);
    expect((await getStep(stack, run, "paid")).output).toEqual(response_payload);
  });

  test("to a key that was used before reaches the run that waits for it now", async () => {
    await waiting("reused");
    await send("reused", { payload: 1 });
    const next = await waiting("reused");
    expect(answered(await send("reused", { payload: 1 }), 200, eventTrigger).workflow_run_id).toBe(next.id);
  });

  test("to a key nobody waits for, or another project waits for, is the same 404", async () => {
    refused(await send("nobody"), 404, "not_found", "event trigger not found");
    await waiting("theirs");
    const token = stack.token({ projects: ["other"] });
    refused(await send("theirs", {}, { token }), 404, "not_found", "event trigger not found");
    answered(await send("theirs"), 200, eventTrigger);
  });

  test("reaches the caller's own project, where two wait for the same key", async () => {
    const run = await waiting("shared");
    const token = stack.token({ projects: ["other"] });
    const body = { name: "w", slug: "shared", steps: [wait("paid", "shared")] };
    const { body: theirs } = await stack.request<{ id: string }>("POST", "/v1/workflows", body, { token });
    const { body: theirRun } = await stack.request<WorkflowRun>(
      "POST",
      `/v1/workflows/${theirs.id}/trigger`,
      {},
      { token },
    );
    await until(async () => (await send("shared", {}, { token })).status === 200);
    const { body: ended } = await stack.request<WorkflowRun>("GET", `/v1/workflow-runs/${theirRun.id}`, undefined, {
      token,
    });
    expect(ended.status).toBe("completed");
    expect((await getStep(stack, run, "paid")).status).toBe("waiting");
  });

  test("that a step emits stays in its project, whoever waits for the same key elsewhere", async () => {
    const run = await waiting("emitted");
    const options = { token: stack.token({ projects: ["other"] }) };
    const started = async (step: object) => {
      const body = { name: "w", slug: uuid(), steps: [step] };
      const { id } = await ok<{ id: string }>(stack, "POST", "/v1/workflows", body, options);
      const made = await ok<WorkflowRun>(stack, "POST", `/v1/workflows/${id}/trigger`, {}, options);
      const now = () => ok<WorkflowRun>(stack, "GET", `/v1/workflow-runs/${made.id}`, undefined, options);
      return { ends: () => until(async () => (await now()).status === "completed") };
    };
    const emits = { step_ref: "nap", step_type: "sleep", sleep_duration_secs: 1, event_emit_key: "emitted" };
    await (await started(emits)).ends();
    const theirs = await started(wait("paid", "emitted"));
    await until(() => findWaitingEventTrigger(stack.deps.db, "other", "emitted"));
    await started(emits);
    await theirs.ends();
    expect((await getStep(stack, run, "paid")).status).toBe("waiting");
    answered(await send("emitted"), 200, eventTrigger);
  });

  test("by a caller of several projects names the project", async () => {
    const run = await waiting("several");
    const token = stack.token({ projects: ["demo", "other"] });
    refused(await send("several", {}, { token }), 400, "validation_error", "project_id is required");
    const wrong = await send("several", {}, { token, query: "?project_id=other" });
    refused(wrong, 404, "not_found", "event trigger not found");
    const foreign = await send("several", {}, { token, query: "?project_id=third" });
    refused(foreign, 403, "forbidden", "project_id is not one of your projects");
    const sent = answered(await send("several", {}, { token, query: "?project_id=demo" }), 200, eventTrigger);
    expect(sent.workflow_run_id).toBe(run.id);
  });

  test("after its run was canceled is a conflict", async () => {
    const run = await waiting("canceled");
    await stack.request("DELETE", `/v1/workflow-runs/${run.id}`);
    refused(await send("canceled"), 409, "conflict", NOT_WAITING);
  });

  test("finds a key with slashes, spaces, percent signs and letters of any script", async () => {
    for (const key of ["order/7/paid", "a b", "100%", "zahlung-für-Ω-注文-🎉", "a?b#c&d=e", "...", "k".repeat(512)]) {
      await waiting(key);
      expect(answered(await send(key), 200, eventTrigger).event_key).toBe(key);
    }
  });

  test("refuses a key that is too long or has control characters", async () => {
    const long = await send("é".repeat(257));
    refused(long, 400, "validation_error", "event key must be at most 512 characters");
    for (const key of ["\u0000", "a\nb", "\u001f", "\u007f"]) {
      const answer = await send(key);
      refused(
        answer,
        400,
        "validation_error",
        "event key contains invalid characters (control characters not allowed)",
      );
    }
  });

  test("refuses a field nobody knows", async () => {
    await waiting("fields");
    refused(await send("fields", { paylaod: 1 }), 400, "validation_error", "invalid request body");
    answered(await send("fields"), 200, eventTrigger);
  });
});

describe("the key of an approval", () => {
  test("needs a listed approver, as approving does", async () => {
    const run = await runOf(stack, [gate("gate")]);
    const key = `approval:${run.id}:gate`;
    await listens(run, key);
    const bob = await send(key, { payload: 1 }, { token: stack.token({ sub: "bob" }) });
    refused(bob, 400, "approver_not_allowed", "approver bob is not allowed for step gate");
    const sent = answered(await send(key, { payload: { ok: true } }), 200, eventTrigger);
    expect(sent).toMatchObject({ id: expect.stringMatching(/^evt:approval:/), event_key: key, status: "received" });
    await reaches(stack, run, "completed");
    expect(await getStep(stack, run, "gate")).toMatchObject({ status: "completed", output: { ok: true } });
  });

  test("is used up by an approval", async () => {
    const run = await runOf(stack, [gate("gate")]);
    await listens(run, `approval:${run.id}:gate`);
    answered(await stack.request("POST", `/v1/workflow-runs/${run.id}/steps/gate/approve`), 200, gateAnswer);
    refused(await send(`approval:${run.id}:gate`), 409, "conflict", NOT_WAITING);
  });
});

test("the key of a sleep is refused: sleeping is not to be cut short by an event", async () => {
  const definition = await createWorkflow(stack, [{ step_ref: "nap", step_type: "sleep", sleep_duration_secs: 3600 }]);
  const run = await trigger(stack, definition);
  await listens(run, `sleep:${run.id}:nap`);
  refused(await send(`sleep:${run.id}:nap`), 409, "conflict", NOT_WAITING);
  expect((await getStep(stack, run, "nap")).status).toBe("waiting");
});

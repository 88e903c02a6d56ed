import { afterAll, beforeAll, describe, expect, inject, test } from "vitest";
import { replayHistory } from "../../../src/cli/replay-history.ts";
import { findWaitingEventTrigger } from "../../../src/store/event-triggers.ts";
import { gate, getRun, getStep, ok, opens, reaches, runOf, wait } from "../definitions.ts";
import { answered, eventTrigger, refused } from "../shapes.ts";
import { callerOf, NOT_FOUND, NOT_WAITING, pathOf } from "./callers.ts";
import { type Stack, startStack } from "../../stack/harness.ts";
import { until } from "../../stack/until.ts";

let stack: Stack;
beforeAll(async () => {
  stack = await startStack();
});
afterAll(() => stack.stop());

describe("canceling a wait", () => {
  test("fails its step, and the run by its on_failure", async () => {
    const run = await runOf(stack, [
      wait("paid", "to cancel", { on_failure: "continue" }),
      gate("after", { depends_on: ["paid"] }),
    ]);
    await until(() => findWaitingEventTrigger(stack.deps.db, "demo", "to cancel"));
    const canceled = answered(await stack.request("DELETE", pathOf("to cancel")), 200, eventTrigger);
    expect(canceled).toMatchObject({ status: "canceled", error: "canceled by user", workflow_run_id: run.id });
    expect(await getStep(stack, run, "paid")).toMatchObject({
      status: "failed",
      error: "event trigger canceled by user",
    });
    await opens(stack, run, "after");
    refused(await stack.request("DELETE", pathOf("to cancel")), 409, "conflict", NOT_WAITING);
    refused(await stack.request("POST", `${pathOf("to cancel")}/send`), 409, "conflict", NOT_WAITING);

    const fatal = await runOf(stack, [wait("paid", "fatal")]);
    await until(() => findWaitingEventTrigger(stack.deps.db, "demo", "fatal"));
    await ok(stack, "DELETE", pathOf("fatal"));
    expect(await getRun(stack, fatal)).toMatchObject({ status: "failed", error: "event trigger canceled by user" });
  });

  test("under the same Idempotency-Key again has the same outcome, whoever waits by then", async () => {
    const { ask, get, waits } = callerOf(stack);
    const options = { headers: { "idempotency-key": "once" } };
    const run = await waits("again");
    const first = answered(await ask("DELETE", pathOf("again"), undefined, options), 200, eventTrigger);
    await waits("again");
    const second = answered(await ask("DELETE", pathOf("again"), undefined, options), 200, eventTrigger);
    expect(second).toEqual(first);
    expect(second.workflow_run_id).toBe(run.id);
    expect(await get("again")).toMatchObject({ status: "waiting" });
  });

  test("and sending to it, at once, is one of the two; the run is told so, and replays", async () => {
    const rounds = Array.from({ length: 8 }, async (_, i) => {
      const key = `raced ${i}`;
      const run = await runOf(stack, [wait("paid", key)]);
      await until(() => findWaitingEventTrigger(stack.deps.db, "demo", key));
      const asks = [
        () => stack.request("DELETE", pathOf(key)),
        () => stack.request("POST", `${pathOf(key)}/send`, { payload: i }),
        () => stack.request("DELETE", `/v1/workflow-runs/${run.id}`),
      ];
      const answers = await Promise.all((i % 2 ? asks : asks.toReversed()).map((one) => one()));
      const [cancel, send, end] = i % 2 ? answers : answers.toReversed();
      const { status, error, output } = await getStep(stack, run, "paid");
      const event = answered(await stack.request("GET", pathOf(key)), 200, eventTrigger);
      const became = event.status === "canceled" ? event.error : event.status;
      const won = { "canceled by user": cancel, received: send, "workflow canceled": end }[became ?? ""];
      const told = JSON.stringify([cancel, send, end].map((answer) => [answer?.status, answer?.body]));
      expect(won?.status, told).toBeLessThan(300);
      // A busy machine may have accepted one that it has refused since.
      for (const other of [cancel, send]) if (other !== won) expect(other?.status, told).toBeOneOf([202, 409]);
      if (won === send) expect({ status, output }).toEqual({ status: "completed", output: i });
      if (won === cancel)
        expect({ status, error }).toEqual({ status: "failed", error: "event trigger canceled by user" });
      if (won === end) expect(status).toBe("canceled");
      await stack.deps.temporal.workflow
        .getHandle(run.id)
        .result()
        .catch(() => {});
      const history = await stack.deps.temporal.workflow.getHandle(run.id).fetchHistory();
      expect(await replayHistory({ codePath: inject("bundlePath") }, history)).toBeUndefined();
    });
    await Promise.all(rounds);
  });

  test("of a gate is its approvers' to do, and rejects it; sleep is not cut short", async () => {
    const run = await runOf(stack, [
      gate("gate", { on_failure: "continue" }),
      { step_ref: "nap", step_type: "sleep", sleep_duration_secs: 3600 },
    ]);
    await opens(stack, run, "nap");
    const key = pathOf(`approval:${run.id}:gate`);
    const eve = { token: stack.token({ sub: "eve" }) };
    const message = "approver eve is not allowed for step gate";
    refused(await stack.request("DELETE", key, undefined, eve), 400, "approver_not_allowed", message);
    answered(await stack.request("DELETE", key), 200, eventTrigger);
    expect((await getStep(stack, run, "gate")).error).toBe("approval rejected by ada: event trigger canceled by user");
    refused(await stack.request("DELETE", pathOf(`sleep:${run.id}:nap`)), 409, "conflict", NOT_WAITING);
  });

  test("is planned", async () => {
    const run = await runOf(stack, [wait("paid", "planned")]);
    await until(() => findWaitingEventTrigger(stack.deps.db, "demo", "planned"));
    expect(await ok(stack, "DELETE", `${pathOf("planned")}?dryRun=true`)).toMatchObject({
      dry_run: true,
      workflow_run_id: run.id,
      status_after: "failed",
    });
    expect((await getStep(stack, run, "paid")).status).toBe("waiting");
    refused(await stack.request("DELETE", `${pathOf("nobody's")}?dryRun=true`), 404, "not_found", NOT_FOUND);
  });

  test("of nobody's key, and of another project's, is the same 404", async () => {
    const { waits } = callerOf(stack);
    await waits("theirs");
    refused(await stack.request("DELETE", pathOf("theirs")), 404, "not_found", NOT_FOUND);
    refused(await stack.request("DELETE", pathOf("nobody's")), 404, "not_found", NOT_FOUND);
  });
});

test("a wait that is canceled while no worker is there is accepted, and canceled once", async () => {
  const run = await runOf(stack, [wait("paid", "no worker")]);
  await until(() => findWaitingEventTrigger(stack.deps.db, "demo", "no worker"));
  const location = await stack.withoutWorker(async () => {
    const { status, headers } = await stack.request("DELETE", pathOf("no worker"));
    expect(status).toBe(202);
    return headers.get("location") ?? "";
  });
  await reaches(stack, run, "failed");
  expect(await ok(stack, "GET", location)).toMatchObject({ verb: "cancel-event", status: "applied" });
});

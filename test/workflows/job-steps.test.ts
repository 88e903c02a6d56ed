import { createHash } from "node:crypto";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import jwt from "jsonwebtoken";
import { type Stack, startStack } from "../stack/harness.ts";
import { type Scenario, scenarioOn } from "../stack/scenario.ts";

let stack: Stack;
let on: Scenario;
beforeAll(async () => {
  stack = await startStack();
  on = scenarioOn(stack);
});
afterAll(() => stack.stop());

describe.concurrent("a job step", () => {
  test("posts the payload as it is, says for which run, and keeps the answer as its output", async () => {
    stack.jobs.on("/charge", () => ({ status: 202, body: { charged: true } }));
    const run = await on.start([{ step_ref: "charge", calls: "/charge" }], { payload: { order: 7 } });

    expect(await on.ends(run)).toMatchObject({ status: "completed" });
    const step = await on.step(run, "charge");
    expect(step).toMatchObject({ status: "completed", attempt: 1, output: { charged: true } });
    const [call, ...more] = stack.jobs.callsTo("/charge");
    expect(more).toEqual([]);
    expect(call).toMatchObject({ method: "POST", text: '{"order":7}' });
    expect(call?.headers).toMatchObject({
      "content-type": "application/json",
      "x-run-id": step.job_run_id,
      "x-job-id": await on.job("/charge"),
      "x-attempt": "1",
    });
    expect(call?.headers).not.toHaveProperty("x-previous-error");
    expect(await on.endedJobRun(step.job_run_id)).toMatchObject({
      status: "completed",
      attempt: 1,
      result: { charged: true },
      workflow_step_run_id: step.id,
    });
  });

  test("carries a token of its run and what it is given, good for a minute longer than the attempt may take", async () => {
    await on.job("/token", { timeout_secs: 20 });
    const run = await on.start([{ step_ref: "a", calls: "/token", payload: { amount: "{{amount}}" } }], {
      payload: { amount: 12345678901234567890n, text: "größer" },
    });
    await on.ends(run);

    const [call] = stack.jobs.callsTo("/token");
    const token = String(call?.headers["x-run-token"]);
    const claims = jwt.verify(token, stack.config.runTokenSecret ?? "", { algorithms: ["HS256"] }) as jwt.JwtPayload;
    expect(claims.sub).toBe((await on.step(run, "a")).job_run_id);
    expect(Number(claims.exp) - Number(claims.iat)).toBe(80);
    expect(claims.payload_hash).toBe(
      createHash("sha256")
        .update(call?.text ?? "")
        .digest("hex"),
    );
  });

  test("sends {} where there is no payload, and has no output where there is no answer", async () => {
    stack.jobs.on("/silent", () => ({ status: 204, body: "" }));
    const run = await on.start([{ step_ref: "a", calls: "/silent" }]);
    await on.ends(run);

    expect(stack.jobs.callsTo("/silent")[0]?.text).toBe("{}");
    expect(await on.step(run, "a")).not.toHaveProperty("output");
  });

  test("tells each call whose it is: run, step, attempt, the key of the attempt, and a trace", async () => {
    stack.jobs.on("/told", (_, nth) => ({ status: nth === 1 ? 425 : 200 }));
    const odd = "größe:1.2";
    const run = await on.start([{ step_ref: odd, calls: "/told", retry_max_attempts: 2 }]);
    expect(await on.ends(run)).toMatchObject({ status: "completed" });

    const { job_run_id } = await on.step(run, odd);
    const [first, second] = stack.jobs.callsTo("/told").map(({ headers }) => headers);
    expect(first).toMatchObject({
      "x-workflow-run-id": run.id,
      "x-step-ref": "gr%C3%B6%C3%9Fe:1.2",
      "idempotency-key": `${job_run_id}:1`,
    });
    expect(decodeURIComponent(String(second?.["x-step-ref"]))).toBe(odd);
    expect(second?.["idempotency-key"]).toBe(`${job_run_id}:2`);
    const traces = [first, second].map((headers) => String(headers?.traceparent));
    for (const trace of traces) expect(trace).toMatch(/^00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-01$/);
    expect(new Set(traces.map((trace) => trace.split("-")[1]))).toEqual(new Set([run.id.replaceAll("-", "")]));
    expect(new Set(traces).size).toBe(2);
  });

  test("keeps every digit of the numbers that pass, whichever way they go", async () => {
    const digits = '{"a":0.12345678901234567890123,"b":[1e-400,-3.00000000000000000001e-7],"c":12345678901234567890}';
    // Nobody could send that to us.
    const answer = digits.replace("1e-400", "1e400");
    stack.jobs.on("/exact", () => ({ body: answer }));
    const workflow = await on.workflow([
      { step_ref: "first", calls: "/exact" },
      {
        step_ref: "next",
        calls: "/exact-next",
        depends_on: ["first"],
        payload: { copy: "{{a}}", text: "{{a}} and {{parent_outputs.first.b}}", deep: "{{parent_outputs.first}}" },
      },
    ]);
    const answered = await stack.request<{ id: string }>(
      "POST",
      `/v1/workflows/${workflow.id}/trigger`,
      `{"payload":${digits}}`,
    );
    await on.ends(answered.body);

    expect(stack.jobs.callsTo("/exact")[0]?.text).toBe(digits);
    const next = stack.jobs.callsTo("/exact-next")[0]?.text;
    expect(next).toContain('"copy":0.12345678901234567890123,');
    expect(next).toContain('"text":"0.12345678901234567890123 and [1e400,-3.00000000000000000001e-7]"');
    expect(next).toContain(`"deep":${answer}`);
    const seen = async (path: string) =>
      (await fetch(`${stack.apiUrl}${path}`, { headers: { authorization: `Bearer ${stack.token()}` } })).text();
    expect(await seen(`/v1/workflow-runs/${answered.body.id}`)).toContain(`"payload":${digits}`);
    expect(await seen(`/v1/workflow-runs/${answered.body.id}/steps`)).toContain(`"output":${answer}`);
  });

  test("fails where the answer cannot be read, and says why", async () => {
    stack.jobs.on("/zstd", () => ({ headers: { "content-encoding": "zstd" }, body: "(µ/ý" }));
    const run = await on.start([{ step_ref: "a", calls: "/zstd", retry_max_attempts: 3 }]);
    expect(await on.ends(run)).toMatchObject({
      status: "failed",
      error: expect.stringContaining("Content-Encoding zstd"),
    });
    expect(stack.jobs.callsTo("/zstd")).toHaveLength(1);
  });

  test("keeps an answer that is not JSON as a string, and fails for one larger than 1 MiB", async () => {
    stack.jobs.on("/text", () => ({ headers: { "content-type": "text/plain" }, body: "all \u0000 good" }));
    stack.jobs.on("/huge", () => ({ body: `"${"x".repeat(1_048_576)}"` }));
    const run = await on.start([
      { step_ref: "text", calls: "/text" },
      { step_ref: "huge", calls: "/huge" },
    ]);

    const error = "endpoint response is larger than 1 MiB";
    expect(await on.ends(run)).toMatchObject({ status: "failed", error });
    expect(await on.step(run, "huge")).toMatchObject({ status: "failed", error });
    const text = await on.start([{ step_ref: "text", calls: "/text" }]);
    await on.ends(text);
    expect((await on.step(text, "text")).output).toBe("all \u0000 good");
  });

  test("loses no digit of a large integer on its way through trigger, template, endpoint and output", async () => {
    const id = 9007199254740993n;
    stack.jobs.on("/digits", () => ({ body: '{"balance": 12345678901234567890, "exact": 1.10}' }));
    const run = await on.start(
      [
        { step_ref: "first", calls: "/digits", payload: { account: "{{account}}", text: "n° {{account}}" } },
        {
          step_ref: "second",
          calls: "/echoed",
          depends_on: ["first"],
          payload: { was: "{{parent_outputs.first.balance}}" },
        },
      ],
      { payload: { account: id } },
    );

    expect(await on.ends(run)).toMatchObject({ status: "completed", payload: { account: id } });
    expect(stack.jobs.callsTo("/digits")[0]?.body).toEqual({ account: id, text: "n° 9007199254740993" });
    expect(stack.jobs.callsTo("/echoed")[0]?.body).toMatchObject({ was: 12345678901234567890n });
    expect((await on.step(run, "first")).output).toMatchObject({ balance: 12345678901234567890n });
  });

  test("hands large documents on by reference: the history stays small, the endpoint gets all of it", async () => {
    const large = "é".repeat(200_000);
    stack.jobs.on("/large", ({ body }) => ({ body: { copy: (body as { large: string }).large } }));
    const run = await on.start(
      [
        { step_ref: "first", calls: "/large" },
        {
          step_ref: "second",
          calls: "/large-too",
          depends_on: ["first"],
          payload: { got: "{{parent_outputs.first.copy}}" },
        },
      ],
      { payload: { large } },
    );

    expect(await on.ends(run)).toMatchObject({ status: "completed", payload: { large } });
    expect((await on.step(run, "first")).output).toEqual({ copy: large });
    expect(stack.jobs.callsTo("/large-too")[0]?.body).toMatchObject({ got: large, large });
    const { workflowExecutionInfo } = (await stack.deps.temporal.workflow.getHandle(run.id).describe()).raw;
    expect(Number(workflowExecutionInfo?.historySizeBytes)).toBeLessThan(50_000);
  });

  test("keeps the part of the answer that output_transform names, and all of it where that leads nowhere", async () => {
    stack.jobs.on("/orders", () => ({ body: { orders: [{ id: 1 }, { id: 2 }] } }));
    const run = await on.start([
      { step_ref: "ids", calls: "/orders", output_transform: "orders.#.id" },
      { step_ref: "none", calls: "/orders", output_transform: "orders.total" },
    ]);
    await on.ends(run);

    expect((await on.step(run, "ids")).output).toEqual([1, 2]);
    expect((await on.step(run, "none")).output).toEqual({ orders: [{ id: 1 }, { id: 2 }] });
  });
});

import { afterAll, beforeAll, describe, expect, test } from "vitest";
import jwt from "jsonwebtoken";
import type { JobRun } from "../../src/contract/runs.ts";
import { type Stack, startStack } from "../stack/harness.ts";
import { type Scenario, scenarioOn } from "../stack/scenario.ts";
import { until } from "../stack/until.ts";

let stack: Stack;
let on: Scenario;
beforeAll(async () => {
  stack = await startStack();
  on = scenarioOn(stack);
});
afterAll(() => stack.stop());

/** Once the mirror has its end. */
const endedJobRun = (id = "") =>
  until(async () => {
    const { body } = await stack.request<JobRun>("GET", `/v1/runs/${id}`);
    return body.finished_at !== undefined && body;
  });
const seconds = (from = "", to = "") => (Date.parse(to) - Date.parse(from)) / 1000;

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
    expect(await endedJobRun(step.job_run_id)).toMatchObject({
      status: "completed",
      attempt: 1,
      result: { charged: true },
      workflow_step_run_id: step.id,
    });
  });

  test("carries a token that is good for a minute longer than the attempt may take", async () => {
    await on.job("/token", { timeout_secs: 20 });
    const run = await on.start([{ step_ref: "a", calls: "/token" }]);
    await on.ends(run);

    const token = String(stack.jobs.callsTo("/token")[0]?.headers["x-run-token"]);
    const claims = jwt.verify(token, stack.config.runTokenSecret ?? "", { algorithms: ["HS256"] }) as jwt.JwtPayload;
    expect(claims.sub).toBe((await on.step(run, "a")).job_run_id);
    expect(Number(claims.exp) - Number(claims.iat)).toBe(80);
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

  test("waits for as long as the endpoint asks before it calls again", async () => {
    const answers = [
      { status: 503, headers: { "retry-after": "3" } },
      { status: 429, headers: { "retry-after": "900" } },
    ];
    stack.jobs.on("/busy", (_, nth) => answers[nth - 1]);
    const limits = {
      retry_max_attempts: 3,
      retry_initial_delay_secs: 1,
      retry_max_delay_secs: 2,
      retry_backoff: "fixed",
    };
    const patient = await on.start([{ step_ref: "a", calls: "/busy", ...limits, retry_max_delay_secs: 10 }]);
    await until(() => stack.jobs.callsTo("/busy").length === 2);
    const [first, second] = stack.jobs.callsTo("/busy");
    expect((second?.at ?? 0) - (first?.at ?? 0)).toBeGreaterThanOrEqual(2_990);
    expect(await on.timers(patient)).toContainEqual(expect.closeTo(3, 0));
    await on.cancel(patient);

    const limited = await on.start([{ step_ref: "a", calls: "/hurry", ...limits }]);
    stack.jobs.on("/hurry", (_, nth) => (nth === 1 ? { status: 429, headers: { "retry-after": "900" } } : {}));
    expect(await on.ends(limited)).toMatchObject({ status: "completed" });
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

  test("gives its place to another one while it waits for its next attempt", async () => {
    stack.jobs.on("/again", (_, nth) => (nth === 1 ? { status: 500 } : {}));
    const run = await on.start(
      [
        { step_ref: "a", calls: "/again", retry_max_attempts: 2, retry_initial_delay_secs: 2 },
        { step_ref: "b", calls: "/beside" },
        { step_ref: "c", calls: "/beside" },
      ],
      {},
      { max_parallel_steps: 1 },
    );
    expect(await on.ends(run)).toMatchObject({ status: "completed" });
    const [first, second] = stack.jobs.callsTo("/again");
    const beside = stack.jobs.callsTo("/beside").map(({ at }) => at);
    expect(beside).toHaveLength(2);
    for (const at of beside) expect(at).toBeGreaterThanOrEqual(first?.at ?? Infinity);
    for (const at of beside) expect(at).toBeLessThanOrEqual(second?.at ?? 0);
  });

  test("tries again after a server error and a rate limit, and tells of the last error", async () => {
    const answers = [{ status: 500, body: "boom\nbang" }, { status: 429 }, { body: { ok: true } }];
    stack.jobs.on("/flaky", (_, nth) => answers[nth - 1]);
    const run = await on.start([
      { step_ref: "a", calls: "/flaky", retry_max_attempts: 3, retry_backoff: "fixed", retry_initial_delay_secs: 1 },
    ]);

    expect(await on.ends(run)).toMatchObject({ status: "completed" });
    const step = await on.step(run, "a");
    expect(step).toMatchObject({ attempt: 3, output: { ok: true } });
    expect(step).not.toHaveProperty("error");
    const calls = stack.jobs.callsTo("/flaky");
    expect(calls.map(({ headers }) => headers["x-attempt"])).toEqual(["1", "2", "3"]);
    expect(new Set(calls.map(({ headers }) => headers["x-run-id"]))).toEqual(new Set([step.job_run_id]));
    expect(calls[1]?.headers["x-previous-error"]).toBe("endpoint returned 500: boom bang");
    expect(calls[2]?.headers["x-previous-error"]).toBe("endpoint returned 429: {}");
    // Fixed delays of a second, a fifth up or down.
    for (const i of [1, 2]) expect((calls[i]?.at ?? 0) - (calls[i - 1]?.at ?? 0)).toBeGreaterThanOrEqual(790);
    expect(await endedJobRun(step.job_run_id)).toMatchObject({ status: "completed", attempt: 3 });
  });

  test("doubles the delay between attempts, up to its limit", async () => {
    stack.jobs.on("/backoff", (_, nth) => (nth < 4 ? { status: 503 } : {}));
    const run = await on.start([
      { step_ref: "a", calls: "/backoff", retry_max_attempts: 4, retry_initial_delay_secs: 1, retry_max_delay_secs: 2 },
    ]);
    expect(await on.ends(run)).toMatchObject({ status: "completed" });

    const delays = await on.timers(run);
    expect(delays).toHaveLength(3);
    for (const [i, expected] of [1, 2, 2].entries()) {
      // A fifth up or down.
      expect(delays[i]).toBeGreaterThanOrEqual(expected * 0.8);
      expect(delays[i]).toBeLessThanOrEqual(expected * 1.2);
    }
    const [first = 0, , , last = 0] = stack.jobs.callsTo("/backoff").map((call) => call.at);
    expect(last - first).toBeGreaterThanOrEqual(delays.reduce((sum, delay) => sum + delay * 1000, 0));
  });

  test.each([400, 401, 403, 404, 422])("does not try again after a %i", async (status) => {
    stack.jobs.on(`/refuse-${status}`, () => ({ status, body: { why: "no" } }));
    const run = await on.start([{ step_ref: "a", calls: `/refuse-${status}`, retry_max_attempts: 5 }]);

    const error = `endpoint returned ${status}: {"why":"no"}`;
    expect(await on.ends(run)).toMatchObject({ status: "failed", error });
    const step = await on.step(run, "a");
    expect(step).toMatchObject({ status: "failed", attempt: 1, error });
    expect(stack.jobs.callsTo(`/refuse-${status}`)).toHaveLength(1);
    expect(await endedJobRun(step.job_run_id)).toMatchObject({ status: "dead_letter", error });
  });

  test("takes its job's number of attempts unless it has its own, and stops at the third of the same kind", async () => {
    await on.job("/twice", { max_attempts: 2 });
    await on.job("/poison", { max_attempts: 9 });
    stack.jobs.on("/twice", () => ({ status: 500, body: "first or second" }));
    stack.jobs.on("/poison", () => ({ status: 500, body: "always" }));
    const twice = await on.start([{ step_ref: "a", calls: "/twice" }]);
    const poison = await on.start([{ step_ref: "a", calls: "/poison" }]);

    expect(await on.ends(twice)).toMatchObject({ status: "failed", error: "endpoint returned 500: first or second" });
    expect(await on.ends(poison)).toMatchObject({ status: "failed", error: "endpoint returned 500: always" });
    expect((await on.step(twice, "a")).attempt).toBe(2);
    expect((await on.step(poison, "a")).attempt).toBe(3);
    expect(stack.jobs.callsTo("/twice")).toHaveLength(2);
    expect(stack.jobs.callsTo("/poison")).toHaveLength(3);
  });

  test("ends an attempt when its time is over, whatever the endpoint still does", async () => {
    stack.jobs.on("/slow", () => new Promise(() => {}));
    const run = await on.start([{ step_ref: "a", calls: "/slow", timeout_secs_override: 1 }]);

    expect(await on.ends(run)).toMatchObject({ status: "failed", error: "execution timed out" });
    const step = await on.step(run, "a");
    expect(seconds(step.started_at, step.finished_at)).toBeGreaterThanOrEqual(0.99);
    expect(seconds(step.started_at, step.finished_at)).toBeLessThan(15);
    expect(await endedJobRun(step.job_run_id)).toMatchObject({ status: "timed_out", error: "execution timed out" });
  });

  test("asks the fallback once within the same attempt, and trusts it with no token", async () => {
    await on.job("/primary", { fallback_endpoint_url: stack.jobs.url("/fallback") });
    await on.job("/broken", { fallback_endpoint_url: stack.jobs.url("/not-asked") });
    stack.jobs.on("/primary", () => ({ status: 429, body: "busy" }));
    stack.jobs.on("/fallback", () => ({ body: { from: "fallback" } }));
    stack.jobs.on("/broken", () => ({ status: 500, body: "broken" }));
    const helped = await on.start([{ step_ref: "a", calls: "/primary" }], { payload: { n: 1 } });
    const alone = await on.start([{ step_ref: "a", calls: "/broken" }]);

    expect(await on.ends(helped)).toMatchObject({ status: "completed" });
    expect(await on.step(helped, "a")).toMatchObject({ attempt: 1, output: { from: "fallback" } });
    const [first, second] = [stack.jobs.callsTo("/primary"), stack.jobs.callsTo("/fallback")];
    expect([first.length, second.length]).toEqual([1, 1]);
    expect(second[0]).toMatchObject({ text: '{"n":1}' });
    expect(second[0]?.headers["x-attempt"]).toBe("1");
    expect(second[0]?.headers).not.toHaveProperty("x-run-token");
    expect(await on.ends(alone)).toMatchObject({ status: "failed", error: "endpoint returned 500: broken" });
    expect(stack.jobs.callsTo("/not-asked")).toEqual([]);
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

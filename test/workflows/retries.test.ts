import { afterAll, beforeAll, describe, expect, test } from "vitest";
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

const seconds = (from = "", to = "") => (Date.parse(to) - Date.parse(from)) / 1000;

describe.concurrent("a job step", () => {
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
    expect(Math.max(...(await on.timers(patient)))).toBeGreaterThanOrEqual(3);
    await on.cancel(patient);

    const limited = await on.start([{ step_ref: "a", calls: "/hurry", ...limits }]);
    stack.jobs.on("/hurry", (_, nth) => (nth === 1 ? { status: 429, headers: { "retry-after": "900" } } : {}));
    expect(await on.ends(limited)).toMatchObject({ status: "completed" });
  });

  test("gives its place to another one while it waits for its next attempt", async () => {
    stack.jobs.on("/again", (_, nth) => (nth === 1 ? { status: 500 } : {}));
    const run = await on.start(
      [
        { step_ref: "a", calls: "/again", retry_max_attempts: 2, retry_initial_delay_secs: 6 },
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
    expect(await on.endedJobRun(step.job_run_id)).toMatchObject({ status: "completed", attempt: 3 });
  });

  test("doubles the delay between attempts, up to its limit", async () => {
    stack.jobs.on("/backoff", (_, nth) => (nth < 4 ? { status: 503 } : {}));
    const run = await on.start([
      { step_ref: "a", calls: "/backoff", retry_max_attempts: 4, retry_initial_delay_secs: 1, retry_max_delay_secs: 2 },
    ]);
    expect(await on.ends(run)).toMatchObject({ status: "completed" });

    const delays = await on.timers(run);
    expect(delays).toHaveLength(3);
    // A fifth up or down. The timer begins with the workflow task, which a busy machine lets begin long before the attempt fails.
    for (const [i, expected] of [1, 2, 2].entries()) expect(delays[i]).toBeGreaterThanOrEqual(expected * 0.8);
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
    expect(await on.endedJobRun(step.job_run_id)).toMatchObject({ status: "dead_letter", error });
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
    expect(await on.endedJobRun(step.job_run_id)).toMatchObject({ status: "timed_out", error: "execution timed out" });
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
});

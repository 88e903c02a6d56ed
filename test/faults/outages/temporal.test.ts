import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import type { BulkOperation } from "../../../src/contract/bulk/operations.ts";
import type { Workflow } from "../../../src/contract/workflows.ts";
import { ok } from "../../api/definitions.ts";
import { type Stack, startStack } from "../../stack/harness.ts";
import { startOwnTemporal } from "../../stack/own-servers.ts";
import { startProxy } from "../../stack/proxy.ts";
import { type Scenario, scenarioOn } from "../../stack/scenario.ts";
import { GATE } from "../../stack/step-drafts.ts";
import { until } from "../../stack/until.ts";
import { expectUnavailable, type Refused, readiness, TOLD_WITHIN_MS, triggers } from "./unavailable.ts";

describe("Temporal", () => {
  let temporal: Awaited<ReturnType<typeof startOwnTemporal>>;
  let proxy: Awaited<ReturnType<typeof startProxy>>;
  let stack: Stack;
  let on: Scenario;
  let plain: Workflow;
  let limited: Workflow;
  let gated: { id: string };
  beforeAll(async () => {
    temporal = await startOwnTemporal();
    proxy = await startProxy(temporal.temporalAddress);
    stack = await startStack({ servers: { temporalAddress: proxy.address }, logLevel: "silent" });
    on = scenarioOn(stack);
    plain = await on.workflow([{ step_ref: "job", calls: "/job" }]);
    limited = await on.workflow([{ step_ref: "job", calls: "/job" }], { max_concurrent_runs: 5 });
  });
  beforeEach(async () => {
    gated = await on.start([GATE]);
    await on.opens(gated, "gate");
  });
  afterAll(async () => {
    await stack?.stop();
    await proxy?.close();
    await temporal?.remove();
  });
  let mend = () => {};
  afterEach(() => mend());

  test.each([
    ["frozen", () => temporal.freeze(), () => temporal.thaw()],
    ["reached by connections that are reset", () => proxy.break(), () => proxy.mend()],
  ])("that is %s is told of before a client gives up, and reads go on", async (_, break_, mend_) => {
    mend = mend_;
    break_();
    const since = Date.now();
    // More than there are connections to PostgreSQL: those that wait take none from those that read.
    const many = Array.from({ length: 40 }, () => triggers(stack, plain, limited)[0]?.());
    let areTold = false;
    const list = stack.request("GET", "/v1/workflow-runs").then(({ status }) => ({ status, areTold }));
    const ready = readiness(stack).then((components) => ({ components, areTold }));
    const approval = { headers: { "idempotency-key": "approved-once" } };
    const [approved, ...told] = await Promise.all([
      on.steer<Refused>(gated, "approve", "gate", undefined, approval),
      on.steer<Refused>(gated, "pause"),
      stack.request<Refused>("DELETE", `/v1/workflow-runs/${(await on.run(gated)).id}`),
      ...triggers(stack, plain, limited).map((trigger) => trigger()),
    ]);
    areTold = true;
    expect(Date.now() - since).toBeLessThan(TOLD_WITHIN_MS);
    for (const answer of [approved, ...told]) expectUnavailable(answer);
    // Nobody can know; what can be done about it is said.
    expect(approved.body.details).toEqual([
      "the command may be stored: a repeat under the Idempotency-Key approved-once takes effect once",
    ]);
    for (const answer of await Promise.all(many)) expect(answer?.status).toBe(503);
    expect(await list).toEqual({ status: 200, areTold: false });
    expect(await ready).toMatchObject({ components: { postgres: "up", temporal: "down" }, areTold: false });
    expect(await stack.request("GET", "/v1/workflow-runs")).toMatchObject({ status: 200 });
    expect(await stack.request("GET", `/v1/workflow-runs/${gated.id}`)).toMatchObject({ status: 200 });

    mend_();
    await until(async () => (await readiness(stack)).temporal === "up");
    const run = await until(() => on.trigger(plain));
    expect(await on.ends(run)).toMatchObject({ status: "completed" });
  });

  test("that is frozen begins nothing for who was not told that it may have", async () => {
    const { id } = await on.workflow([{ step_ref: "job", calls: "/job" }], { max_concurrent_runs: 9 });
    // They wait for each other: of the first one Temporal is silent for 10 s, of the second for 4 s, and the last one has no time left.
    const trigger = () => stack.request<Refused>("POST", `/v1/workflows/${id}/trigger`, {});
    mend = () => temporal.thaw();
    temporal.freeze();
    const answers = await Promise.all([trigger(), trigger(), trigger()]);
    mend();
    for (const answer of answers) expectUnavailable(answer);
    const told = answers.flatMap(
      ({ body }) =>
        body.details?.map((text) => /^run (\S+) may have begun: .* one without a key makes another$/.exec(text)?.[1]) ??
        [],
    );
    expect(told.length).toBeGreaterThanOrEqual(2);
    expect(told).not.toContain(undefined);
    // A run that is triggered now has its place after all that were triggered before.
    const last = await until(async () => {
      const { status, body } = await stack.request<{ id: string }>("POST", `/v1/workflows/${id}/trigger`, {});
      return status === 202 && body.id;
    });
    const runs = await stack.request<{ id: string }[]>("GET", `/v1/workflows/${id}/runs`);
    expect([...told, last]).toEqual(expect.arrayContaining(runs.body.map((run) => run.id)));
  });

  test("that is frozen is told of to who steers a bulk operation, whose command may be stored", async () => {
    const draft = { operation: "cancel", ids: [gated.id] };
    const { id } = await ok<BulkOperation>(stack, "POST", "/v1/bulk-operations", draft);
    const path = `/v1/bulk-operations/${id}`;
    await until(async () => (await ok<BulkOperation>(stack, "GET", path)).finished_at !== undefined);
    // As it stood a moment before.
    const { db } = stack.deps;
    await db.query("update bulk_operations set status = 'running', finished_at = null where id = $1", [id]);
    mend = () => temporal.thaw();
    temporal.freeze();
    const headers = { "idempotency-key": "paused-once" };
    const paused = await stack.request<Refused>("POST", `${path}/pause`, {}, { headers });
    expectUnavailable(paused);
    expect(paused.body.details).toEqual([
      "the command may be stored: a repeat under the Idempotency-Key paused-once takes effect once",
    ]);
  });

  test("that is frozen is told of in a page to who decides by a link, which can be pressed again", async () => {
    const asked = await stack.request<{ url: string }>("POST", `/v1/workflow-runs/${gated.id}/steps/gate/links`);
    const link = `${stack.apiUrl}${new URL(asked.body.url).pathname}`;
    const pressed = () => fetch(link, { method: "POST", body: new URLSearchParams({ decision: "approve" }) });
    mend = () => temporal.thaw();
    temporal.freeze();
    const answer = await pressed();
    expect(answer.status).toBe(503);
    expect(answer.headers.get("content-type")).toMatch("text/html");
    expect(Number(answer.headers.get("retry-after"))).toBeGreaterThan(0);
    expect(await answer.text()).toContain("cannot be reached, try again.");
    temporal.thaw();
    const again = await until(async () => {
      const { status } = await pressed();
      return status !== 503 && status;
    });
    // The first try may have reached Temporal after all.
    expect([200, 410]).toContain(again);
    expect(await on.ends(gated)).toMatchObject({ status: "completed" });
  });

  test("that is frozen is told of as soon to who triggers a hundred runs of a job", async () => {
    const path = `/v1/jobs/${await on.job("/job")}/trigger/bulk`;
    mend = () => temporal.thaw();
    temporal.freeze();
    const since = Date.now();
    const items = Array.from({ length: 100 }, () => ({}));
    expectUnavailable(await stack.request<Refused>("POST", path, { items }));
    expect(Date.now() - since).toBeLessThan(TOLD_WITHIN_MS);
    mend();
    await until(async () => (await readiness(stack)).temporal === "up");
  });

  test("whose namespace is gone is an outage", async () => {
    const { temporal } = stack.deps;
    const { namespace } = temporal.options;
    Object.assign(temporal.options, { namespace: "gone" });
    Object.assign(temporal.workflow.options, { namespace: "gone" });
    try {
      for (const trigger of triggers(stack, plain, limited)) expectUnavailable(await trigger());
      expectUnavailable(await on.steer<Refused>(gated, "approve", "gate"));
      expect(await readiness(stack)).toMatchObject({ temporal: "down" });
    } finally {
      Object.assign(temporal.options, { namespace });
      Object.assign(temporal.workflow.options, { namespace });
    }
  });
});

import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import pg from "pg";
import type { Workflow } from "../../src/contract/workflows.ts";
import { type Answered, type Stack, startStack } from "../stack/harness.ts";
import { startOwnPostgres, startOwnTemporal } from "../stack/own-servers.ts";
import { startProxy } from "../stack/proxy.ts";
import { type Scenario, scenarioOn } from "../stack/scenario.ts";
import { until } from "../stack/until.ts";

/** Before the 30 s after which clients give up; on an idle machine it is 10 to 15 s. */
const TOLD_WITHIN_MS = 25_000;
const SOON_MS = 5_000;
const OUTAGE = "a service this depends on cannot be reached, try again";

interface Refused {
  error: string;
  code: string;
  details?: string[];
}

function expectUnavailable({ status, headers, body }: Answered<Refused>): void {
  expect({ status, body }).toMatchObject({ status: 503, body: { error: OUTAGE, code: "unavailable" } });
  expect(Number(headers.get("retry-after"))).toBeGreaterThan(0);
}

const GATE = { step_ref: "gate", step_type: "approval", approval_approvers: ["ada"] };

/** The triggers there are: with and without a key, a payload, a limit. */
const triggers = (stack: Stack, plain: Workflow, limited: Workflow) => {
  const trigger = ({ id }: Workflow, body: object = {}, headers?: Record<string, string>) =>
    stack.request<Refused>("POST", `/v1/workflows/${id}/trigger`, body, { headers });
  return [
    () => trigger(plain),
    () => trigger(plain, { payload: { a: 1 } }),
    () => trigger(plain, {}, { "idempotency-key": "once" }),
    () => trigger(limited),
  ];
};

async function readiness(stack: Stack): Promise<Record<string, string>> {
  const since = Date.now();
  const { status, body } = await stack.request<{ status: string; components: { name: string; status: string }[] }>(
    "GET",
    "/health/ready",
  );
  expect(Date.now() - since).toBeLessThan(SOON_MS);
  expect([status, body.status]).toEqual(status === 200 ? [200, "up"] : [503, "down"]);
  return Object.fromEntries(body.components.map(({ name, status }) => [name, status]));
}

describe("PostgreSQL", () => {
  let postgres: Awaited<ReturnType<typeof startOwnPostgres>>;
  let admin: pg.Client;
  let stack: Stack;
  let on: Scenario;
  let plain: Workflow;
  let limited: Workflow;
  beforeAll(async () => {
    postgres = await startOwnPostgres();
    stack = await startStack({ servers: postgres, logLevel: "silent" });
    on = scenarioOn(stack);
    // Of another database: what happens to the stack's own does not happen to it.
    admin = new pg.Client(Object.assign(new URL(stack.config.databaseUrl), { pathname: "postgres" }).href);
    await admin.connect();
    plain = await on.workflow([{ step_ref: "job", calls: "/job" }]);
    limited = await on.workflow([{ step_ref: "job", calls: "/job" }], { max_concurrent_runs: 5 });
  });
  afterAll(async () => {
    await admin?.end();
    await stack?.stop();
    await postgres?.remove();
  });

  const name = () => pg.escapeIdentifier(new URL(stack.config.databaseUrl).pathname.slice(1));
  const inDatabase = async (sql: string) => {
    const client = new pg.Client(stack.config.databaseUrl);
    await client.connect();
    await client.query(sql).finally(() => client.end());
  };
  const disconnect = () =>
    admin.query("select pg_terminate_backend(pid) from pg_stat_activity where datname = $1", [
      new URL(stack.config.databaseUrl).pathname.slice(1),
    ]);
  const setReadOnly = async (value: "on" | "off") => {
    await admin.query(`alter database ${name()} set default_transaction_read_only = ${value}`);
    // It counts for those that connect from now on.
    await disconnect();
  };

  let drafts = 0;
  async function expectNothingBegun(): Promise<void> {
    for (const trigger of triggers(stack, plain, limited)) expectUnavailable(await trigger());
    const slug = `late-${++drafts}`;
    const create = await stack.request<Refused>("POST", "/v1/workflows", { name: slug, slug, steps: [GATE] });
    if (create.status !== 201) expectUnavailable(create);
  }
  const runs = async () => (await stack.request<unknown[]>("GET", "/v1/workflow-runs?limit=100")).body.length;
  /** It works again, and nothing was begun before. */
  async function expectOnlyOne(): Promise<void> {
    const run = await until(() => on.trigger(plain));
    expect(await on.ends(run)).toMatchObject({ status: "completed" });
    await until(async () => (await readiness(stack)).postgres === "up");
    expect([await runs(), stack.jobs.callsTo("/job").length]).toEqual(before.map((count) => count + 1));
  }
  /** Runs, and calls of their job. */
  let before: [number, number];
  beforeEach(async () => {
    before = [await runs(), stack.jobs.callsTo("/job").length];
  });

  test("that is read-only begins nothing, is not ready, and is read", async () => {
    const [run, one, other] = [await on.start([GATE]), await on.start([GATE]), await on.start([GATE])];
    before[0] += 3;
    for (const open of [run, one, other]) await on.opens(open, "gate");
    await setReadOnly("on");
    await until(async () => (await stack.request("GET", "/v1/workflow-runs")).status === 200);
    await expectNothingBegun();
    expect(await readiness(stack)).toMatchObject({ postgres: "down", temporal: "up" });
    expect(await stack.request("GET", `/v1/workflow-runs/${run.id}`)).toMatchObject({ status: 200 });
    // What needs no more than Temporal happens, and is mirrored later.
    const approved = await on.steer(run, "approve", "gate");
    expect([200, 202]).toContain(approved.status);
    expect((await stack.request("DELETE", `/v1/workflow-runs/${one.id}`)).status).toBe(202);
    expect(
      await stack.request("POST", "/v1/workflow-runs/bulk-cancel", { workflow_run_ids: [other.id] }),
    ).toMatchObject({ status: 200, body: { canceled: 1, failed: 0 } });
    await setReadOnly("off");
    await expectOnlyOne();
    expect(await on.ends(run)).toMatchObject({ status: "completed" });
    for (const open of [one, other]) expect(await on.ends(open)).toMatchObject({ status: "canceled" });
  });

  test.each([
    ["53100", "out of disk space"],
    ["53200", "out of memory"],
    ["57014", "canceled by a timeout"],
    ["55P03", "locked"],
  ])("that can't store a run (%s, %s) begins nothing", async (code) => {
    await inDatabase(`
      create function refuse() returns trigger language plpgsql as $$ begin raise 'refused' using errcode = '${code}'; end $$;
      create trigger refuse before insert on workflow_runs for each row execute function refuse()`);
    try {
      await expectNothingBegun();
    } finally {
      await inDatabase("drop trigger refuse on workflow_runs; drop function refuse");
    }
    await expectOnlyOne();
  });

  test("that has no connection left is an outage until it has", async () => {
    const taken: pg.Client[] = [];
    const take = async () => {
      const client = new pg.Client(Object.assign(new URL(stack.config.databaseUrl), { pathname: "postgres" }).href);
      client.on("error", () => {});
      await client.connect();
      taken.push(client);
    };
    try {
      await until(async () => {
        // The stack's own come free, for whoever is first.
        await disconnect();
        await Promise.allSettled(Array.from({ length: 250 - taken.length }, take));
        return (await stack.request("GET", "/v1/workflow-runs")).status === 503;
      });
      expectUnavailable(await stack.request<Refused>("GET", "/v1/workflow-runs"));
      for (const trigger of triggers(stack, plain, limited)) expectUnavailable(await trigger());
      expect(await readiness(stack)).toMatchObject({ postgres: "down" });
    } finally {
      await Promise.all(taken.map((client) => client.end()));
    }
    await expectOnlyOne();
  });

  test("whose database takes no connections is an outage", async () => {
    await admin.query(`alter database ${name()} with allow_connections false`);
    await disconnect();
    try {
      await expectNothingBegun();
      expect(await readiness(stack)).toMatchObject({ postgres: "down" });
    } finally {
      await admin.query(`alter database ${name()} with allow_connections true`);
    }
    await expectOnlyOne();
  });

  test("that is frozen is told of before a client gives up", async () => {
    postgres.freeze();
    try {
      const since = Date.now();
      const ready = readiness(stack);
      const told = await Promise.all([
        ...triggers(stack, plain, limited).map((trigger) => trigger()),
        stack.request<Refused>("GET", "/v1/workflow-runs"),
      ]);
      expect(Date.now() - since).toBeLessThan(TOLD_WITHIN_MS);
      for (const answer of told) expectUnavailable(answer);
      expect(await ready).toMatchObject({ postgres: "down" });
    } finally {
      postgres.thaw();
    }
    await expectOnlyOne();
  });
});

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
    const ready = readiness(stack);
    // More than there are connections to PostgreSQL: those that wait take none from those that read.
    const many = Array.from({ length: 40 }, () => triggers(stack, plain, limited)[0]?.());
    const list = stack.request("GET", "/v1/workflow-runs").then(({ status }) => [status, Date.now() - since]);
    const approval = { headers: { "idempotency-key": "approved-once" } };
    const [approved, ...told] = await Promise.all([
      on.steer<Refused>(gated, "approve", "gate", undefined, approval),
      on.steer<Refused>(gated, "pause"),
      stack.request<Refused>("DELETE", `/v1/workflow-runs/${(await on.run(gated)).id}`),
      ...triggers(stack, plain, limited).map((trigger) => trigger()),
    ]);
    expect(Date.now() - since).toBeLessThan(TOLD_WITHIN_MS);
    for (const answer of [approved, ...told]) expectUnavailable(answer);
    // Nobody can know; what can be done about it is said.
    expect(approved.body.details).toEqual([
      "the command may be stored: a repeat under the Idempotency-Key approved-once takes effect once",
    ]);
    for (const answer of await Promise.all(many)) expect(answer?.status).toBe(503);
    expect(await list).toEqual([200, expect.toSatisfy((ms: number) => ms < SOON_MS)]);
    expect(await ready).toMatchObject({ postgres: "up", temporal: "down" });
    expect(await stack.request("GET", "/v1/workflow-runs")).toMatchObject({ status: 200 });
    expect(await stack.request("GET", `/v1/workflow-runs/${gated.id}`)).toMatchObject({ status: 200 });

    mend_();
    await until(async () => (await readiness(stack)).temporal === "up", { timeoutMs: 30_000 });
    const run = await until(() => on.trigger(plain), { timeoutMs: 30_000 });
    expect(await on.ends(run, 30_000)).toMatchObject({ status: "completed" });
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

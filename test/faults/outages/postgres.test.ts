import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import pg from "pg";
import type { Workflow } from "../../../src/contract/workflows.ts";
import { type Stack, startStack } from "../../stack/harness.ts";
import { startOwnPostgres } from "../../stack/own-servers.ts";
import { type Scenario, scenarioOn } from "../../stack/scenario.ts";
import { GATE } from "../../stack/step-drafts.ts";
import { until } from "../../stack/until.ts";
import { expectUnavailable, type Refused, readiness, TOLD_WITHIN_MS, triggers } from "./unavailable.ts";

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
    ).toMatchObject({ status: 200, body: { canceled: 0, failed: 0, accepted: [{ workflow_run_id: other.id }] } });
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

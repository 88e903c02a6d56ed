import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { ScheduleNotFoundError } from "@temporalio/client";
import { v7 as uuid } from "uuid";
import { afterAll, beforeAll, expect, test } from "vitest";
import { recordOf } from "../../src/store/postgres/columns.ts";
import { scheduleRetention } from "../../src/runtime/retention-schedule.ts";
import { insertRunsFrom } from "../../src/store/runs.ts";
import { type Stack, startStack } from "../stack/harness.ts";
import { startWorkerProcess, variablesOf } from "../stack/processes.ts";
import { until } from "../stack/until.ts";

let stack: Stack;
beforeAll(async () => {
  stack = await startStack({ worker: false });
});
afterAll(() => stack.stop());

const schedule = () => stack.deps.temporal.schedule.getHandle("retention");
const described = () => schedule().describe();
const argsOf = async () => {
  const { action } = await described();
  return action.type === "startWorkflow" ? action.args : undefined;
};
const configured = (retention?: string) => scheduleRetention({ ...stack.deps, config: { ...stack.config, retention } });

const countOf = async (table: string) =>
  (await stack.deps.db.query<{ count: number }>(`select count(*) from ${table}`)).rows[0]?.count ?? 0;

/** Each with a step and a tag. */
async function oldRuns(count: number): Promise<void> {
  const at = Date.now() - 100 * 86_400_000;
  const runs = Array.from({ length: count }, () => ({
    ...{ id: uuid(), workflow_id: uuid(), workflow_name: "w", project_id: "demo", workflow_version: 1 },
    ...{ workflow_version_id: "ver_1", triggered_by: "manual", tags: { team: "a" }, depth: 0, revision: 1 },
    ...{ status: "completed", created_at: at, finished_at: at },
  }));
  await stack.deps.db.query(insertRunsFrom("$1::json"), [recordOf(runs)]);
  await stack.deps.db.query(
    `insert into step_runs (
       id, run_id, idx, workflow_step_id, step_ref, status, attempt, generation, deps_completed, deps_required, created_at, revision)
     select gen_random_uuid(), id, 0, gen_random_uuid(), 'a', 'completed', 1, 0, 0, 0, created_at, 1 from workflow_runs`,
  );
}

test("the schedule is there as long as there are rules, and changes with them; its times are the operator's", async () => {
  await configured("*=30d");
  expect(await argsOf()).toEqual([{ retention: "*=30d" }]);
  await schedule().update((known) => ({ ...known, spec: { intervals: [{ every: "2 days" }] } }));
  // Temporal takes what comes together in an order of its own.
  await until(async () => (await described()).spec.intervals?.[0]?.every === 2 * 86_400_000);
  await schedule().pause("for now");
  await until(async () => (await described()).state.paused);

  await configured("*=60d");
  expect(await argsOf()).toEqual([{ retention: "*=60d" }]);
  const { spec, state } = await described();
  expect(spec.intervals).toMatchObject([{ every: 2 * 86_400_000 }]);
  expect(state).toMatchObject({ paused: true, note: "for now" });

  await configured();
  await expect(described()).rejects.toBeInstanceOf(ScheduleNotFoundError);
  await configured();
});

test("a worker that is killed half-way leaves no run in part, and the next one does the rest", async () => {
  const RUNS = 3_000;
  await oldRuns(RUNS);
  const start = () => startWorkerProcess(stack, undefined, { RETENTION: "*=90d" });
  let worker = await start();
  await schedule().trigger();
  const left = () => countOf("workflow_runs");
  await until(async () => (await left()) < RUNS);
  await worker.kill();
  // What the killed one had begun is over when its connections are.
  const among = await until(async () => {
    const [runs, steps, tags] = await Promise.all([left(), countOf("step_runs"), countOf("run_tags")]);
    return runs === steps && runs === tags && { runs };
  });
  expect(among.runs).toBeGreaterThan(0);

  worker = await start();
  await until(async () => (await left()) === 0);
  for (const table of ["step_runs", "run_tags"]) expect(await countOf(table)).toBe(0);
  const { temporal } = stack.deps;
  await until(async () => {
    const { info } = await described();
    const [last] = info.recentActions;
    if (last?.action.type !== "startWorkflow") return false;
    return (await temporal.workflow.getHandle(last.action.workflow.workflowId).describe()).status.name === "COMPLETED";
  });
  await worker.stop();
});

test("npm run retention says how many would go, and lets them go; without rules it says so", async () => {
  const retention = async (more: Record<string, string>, ...args: string[]) => {
    const env = { ...process.env, ...variablesOf(stack), LOG_LEVEL: "error", ...more };
    const told = promisify(execFile)(process.execPath, ["--import", "tsx", "src/cli/retention.ts", ...args], { env });
    return told
      .catch((error: { stdout: string; stderr: string }) => error)
      .then(({ stdout, stderr }) => stdout + stderr);
  };
  await oldRuns(120);
  const rules = { RETENTION: "demo: completed=20runs" };
  const DUE = "demo  completed  100\n100 runs and 0 idempotency keys would be deleted.\n";
  expect(await retention(rules, "--dry-run")).toBe(DUE);
  expect(await retention(rules, "--dry-run")).toBe(DUE);
  expect(await retention(rules)).toBe("100 runs and 0 idempotency keys are deleted.\n");
  expect(await countOf("workflow_runs")).toBe(20);
  expect(await retention({})).toBe("RETENTION is not set: everything is kept.\n");
  expect(await retention({ RETENTION: "completed" })).toBe(
    'Wrong configuration: RETENTION has "completed" where it needs something like completed=30d.\n',
  );
  const empty = new URL(stack.config.databaseUrl);
  empty.pathname = "/postgres";
  expect(await retention({ ...rules, DATABASE_URL: empty.href })).toBe(
    `PostgreSQL at ${empty.host} has no tables of ours in database postgres: start the API or a worker on it first, or set DATABASE_URL to another.\n`,
  );
  const none = { ...rules, DATABASE_URL: "", DATA_DIR: import.meta.filename };
  expect(await retention(none)).toBe(
    `DATA_DIR (${none.DATA_DIR}) has no PostgreSQL of npm start: set it, or DATABASE_URL.\n`,
  );
  expect(await retention({ ...rules, DATABASE_URL: "postgres://nobody@127.0.0.1:1/none" })).toBe(
    "PostgreSQL at 127.0.0.1:1 (DATABASE_URL) can't be reached: connect ECONNREFUSED 127.0.0.1:1. Start it, or set DATABASE_URL.\n",
  );
});

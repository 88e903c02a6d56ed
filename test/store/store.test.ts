import { randomBytes } from "node:crypto";
import type { Pool } from "pg";
import { v7 as uuid } from "uuid";
import { afterAll, beforeAll, expect, inject, test } from "vitest";
import pino from "pino";
import { listCommands } from "../../src/store/commands.ts";
import { loadTexts, saveDocument } from "../../src/store/documents.ts";
import { claimEventTrigger, findWaitingEventTrigger } from "../../src/store/event-triggers.ts";
import { claimKey } from "../../src/store/idempotency-keys.ts";
import { writeMirror } from "../../src/store/mirror/write-mirror.ts";
import { Notifications, tellOfCommand } from "../../src/store/postgres/notifications.ts";
import { createPool } from "../../src/store/postgres/pool.ts";
import { inTransaction } from "../../src/store/postgres/transaction.ts";
import { listRuns } from "../../src/store/run-lists/list-runs.ts";
import { findRun, insertRunWithinLimit } from "../../src/store/runs.ts";
import { listStepRows } from "../../src/store/steps.ts";
import { insertWorkflow } from "../../src/store/workflows.ts";
import { cloneDatabase } from "../stack/database.ts";
import { NOW, wait } from "./rows.ts";
import { until } from "../stack/until.ts";
import type { MirrorRows, RunRow, StepRow } from "../../workflows/engine/mirror/rows.ts";

let db: Pool;
let databaseUrl: string;

beforeAll(async () => {
  databaseUrl = await cloneDatabase(inject("servers").templateUrl, `store-${randomBytes(6).toString("hex")}`);
  db = createPool(databaseUrl);
});
afterAll(() => db.end());

const insertRun = (run: RunRow, most: number) =>
  inTransaction(db, (transaction) => insertRunWithinLimit(transaction, run, most));

const runRow = (over: Partial<RunRow> = {}): RunRow => ({
  id: uuid(),
  workflow_id: uuid(),
  workflow_name: "release",
  project_id: uuid(),
  workflow_version: 1,
  workflow_version_id: "ver_1",
  triggered_by: "manual",
  created_at: NOW,
  tags: {},
  depth: 0,
  status: "running",
  started_at: NOW,
  revision: 1,
  ...over,
});
const stepRow = (run: RunRow, over: Partial<StepRow> = {}): StepRow => ({
  id: uuid(),
  run_id: run.id,
  idx: 0,
  workflow_step_id: uuid(),
  step_ref: "build",
  status: "running",
  attempt: 1,
  generation: 0,
  deps_completed: 0,
  deps_required: 0,
  created_at: NOW,
  revision: 1,
  ...over,
});
const rows = (run: RunRow, over: Partial<MirrorRows> = {}): MirrorRows => ({
  run,
  steps: [],
  approvals: [],
  triggers: [],
  job_runs: [],
  commands: [],
  ...over,
});

test("a mirror write that is repeated or arrives late changes nothing", async () => {
  const run = runRow();
  const step = stepRow(run);
  const later = rows(
    { ...run, status: "completed", revision: 7 },
    { steps: [{ ...step, status: "completed", revision: 6 }] },
  );
  await writeMirror(db, [later]);
  await writeMirror(db, [rows(run, { steps: [step] })]);
  await writeMirror(db, [later]);
  expect(await findRun(db, run.id)).toEqual(later.run);
  expect(await listStepRows(db, run.id)).toEqual(later.steps);
});

test("documents keep escapes, key order and every digit, and text that Postgres cannot hold does not stop the mirror", async () => {
  const text = '{"b":"\\u0000 \\ud800","a":12345678901234567890}';
  const run = runRow({ payload: { text }, error: "a\0b\ud800", expires_at: 9e15 });
  const command = { id: "x".repeat(5000), verb: "pause", actor: "eve", at: NOW, status: "refused" } as const;
  await writeMirror(db, [rows(run, { commands: [command, { ...command, id: "short" }] })]);
  const stored = await findRun(db, run.id);
  expect(stored?.payload).toEqual({ text });
  expect(stored?.error).toBe("a\uFFFDb\uFFFD");
  expect(await listCommands(db, run.id)).toEqual([{ ...command, id: "short" }]);
});

test("long documents are stored once and loaded in the order asked", async () => {
  const long = JSON.stringify("x".repeat(5000));
  const doc = await saveDocument(db, "demo", null, long);
  expect(doc).toHaveProperty("ref");
  expect(await saveDocument(db, "demo", null, "1")).toEqual({ text: "1" });
  expect(await loadTexts(db, [{ text: "1" }, doc, { text: "2" }, doc])).toEqual(["1", long, "2", long]);
});

test("an event key is waited for by one at a time in a project, and is free again afterwards", async () => {
  const run = runRow();
  const first = wait(run.project_id);
  const second = wait(run.project_id);
  expect(await claimEventTrigger(db, first)).toBe("claimed");
  expect(await claimEventTrigger(db, first)).toBe("held");
  expect(await claimEventTrigger(db, second)).toBe("taken");
  expect(await claimEventTrigger(db, wait(uuid()))).toBe("claimed");
  await writeMirror(db, [rows(run, { triggers: [{ ...first, status: "received", revision: 2 }] })]);
  expect(await claimEventTrigger(db, second)).toBe("claimed");
});

const workflowOf = (project_id: string, id: string) => ({
  ...{ id, project_id, name: "w", slug: "w", tags: {}, enabled: true, timeout_secs: 0, max_concurrent_runs: 0 },
  ...{ max_parallel_steps: 0, skip_if_running: false, version: 1, version_id: uuid() },
  ...{ version_policy: "pin" as const, created_at: NOW, updated_at: NOW },
});

test("the mirror neither makes, loses nor renames a claim, and does not fail on one", async () => {
  const run = runRow();
  const holder = wait(run.project_id);
  const loser = wait(run.project_id, { revision: 5 });
  const approval = wait(run.project_id, { source: "approval" });
  await claimEventTrigger(db, holder);
  const triggers = [loser, { ...holder, event_key: "{{unrendered}}", revision: 2 }];
  await writeMirror(db, [rows(run, { triggers })]);
  expect(await findWaitingEventTrigger(db, run.project_id, "payment")).toEqual({ ...holder, revision: 2 });
  await writeMirror(db, [rows({ ...run, revision: 2 }, { triggers: [approval] })]);
  expect((await findRun(db, run.id))?.revision).toBe(2);
});

test("a run of a workflow that is not there is not stored", async () => {
  const run = runRow();
  await expect(insertRun(run, 0)).rejects.toThrow("workflow not found");
  expect(await findRun(db, run.id)).toBeUndefined();
});

test("of runs that begin together no more are taken than the workflow's limit", async () => {
  const [workflow_id, project_id] = [uuid(), uuid()];
  const workflow = { ...workflowOf(project_id, workflow_id), max_concurrent_runs: 3 };
  expect(await insertWorkflow(db, { workflow, steps: [] })).toBe("inserted");
  expect(await insertWorkflow(db, { workflow: { ...workflow, id: uuid() }, steps: [] })).toBe("duplicate");
  const runs = Array.from({ length: 12 }, () => runRow({ workflow_id, project_id }));
  const taken = await Promise.all(runs.map((run) => insertRun(run, 3)));
  expect(taken.filter((place) => place === "inserted")).toHaveLength(3);
  const again = await Promise.all(runs.map((run) => insertRun(run, 3)));
  expect(again).toEqual(taken.map((place) => (place === "inserted" ? "known" : place)));
});

test("runs are listed newest first, filters combine, and a cursor drops no row of the same instant", async () => {
  const [project_id, workflow_id] = [uuid(), uuid()];
  expect(await insertWorkflow(db, { workflow: workflowOf(project_id, workflow_id), steps: [] })).toBe("inserted");
  const ids = Array.from({ length: 5 }, () => uuid());
  for (const [i, id] of ids.entries()) {
    const status = i < 3 ? "completed" : "failed";
    await insertRun(runRow({ id, workflow_id, project_id, status, tags: { team: i % 2 ? "a" : "b" } }), 0);
  }
  const newest = [...ids].reverse();
  const idsOf = async (page: object) => (await listRuns(db, { project_id, limit: 50, ...page })).map((r) => r.id);
  expect(await idsOf({})).toEqual(newest);
  expect(await idsOf({ limit: 2, cursor: { at: NOW, id: newest[1] } })).toEqual(newest.slice(2, 4));
  expect(await idsOf({ cursor: { at: NOW } })).toEqual([]);
  expect(await idsOf({ status: "completed", tag_key: "team", tag_value: "a" })).toEqual([ids[1]]);
  expect(await idsOf({ tag_key: "team" })).toEqual(newest);
});

test("an idempotency key is bound to the first run that claims it", async () => {
  const key = { projectId: uuid(), operation: "trigger", key: "k", bodyHash: "h" };
  const claims = await Promise.all(Array.from({ length: 8 }, () => claimKey(db, { ...key, runId: uuid() })));
  expect(new Set(claims.map((claim) => claim.runId)).size).toBe(1);
});

test("what is no id is no run", async () => {
  for (const id of ["nope", "", "\0", "x".repeat(100_000)]) expect(await findRun(db, id)).toBeUndefined();
});

test("notifications are heard, and again after their connection was lost", async () => {
  const notifications = Notifications.listen(databaseUrl, pino({ level: "silent" }));
  const heard: string[] = [];
  notifications.onCommand((runId, commandId) => heard.push(`${runId} ${commandId}`));
  const isHeard = (runId: string) =>
    until(async () => {
      await tellOfCommand(db, runId, "command");
      return heard.includes(`${runId} command`);
    });
  await isHeard("before");
  await db.query("select pg_terminate_backend(pid) from pg_stat_activity where query like 'listen%'");
  await isHeard("after");
  await notifications.stop();
});

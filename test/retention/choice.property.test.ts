import fc from "fast-check";
import { v7 as uuid } from "uuid";
import { afterAll, beforeEach, expect, test } from "vitest";
import { letGo, previewLetGo } from "../../src/commands/retention/let-go.ts";
import { parseRetention } from "../../src/rules/retention.ts";
import { recordOf } from "../../src/store/postgres/columns.ts";
import { insertRunsFrom } from "../../src/store/runs.ts";
import { startStack } from "../stack/harness.ts";
import type { RunRow } from "../../workflows/engine/mirror/rows.ts";

const stack = await startStack({ worker: false });
const { deps } = stack;
afterAll(() => stack.stop());
beforeEach(() => deps.db.query("truncate workflow_runs"));

const DAY = 86_400_000;
const HOUR = 3_600_000;
const NOW = Date.UTC(2026, 5, 1);
const OPEN = ["pending", "running", "paused"];
const ENDS = ["completed", "failed", "timed_out", "canceled"];

const store = (runs: RunRow[]) => deps.db.query(insertRunsFrom("$1::json"), [recordOf(runs)]);
const stored = async () =>
  (await deps.db.query<{ id: string }>("select id from workflow_runs")).rows.map(({ id }) => id);

const run = (over: Partial<RunRow>): RunRow => ({
  id: uuid(),
  workflow_id: uuid(),
  workflow_name: "w",
  project_id: "acme",
  workflow_version: 1,
  workflow_version_id: "ver_1",
  triggered_by: "manual",
  tags: { team: "a" },
  labels: { region: "eu" },
  depth: 0,
  status: "completed",
  created_at: NOW - 100 * DAY,
  finished_at: NOW - 100 * DAY,
  revision: 1,
  ...over,
});

const anyRun = fc.record({
  project_id: fc.constantFrom("acme", "other"),
  status: fc.constantFrom(...ENDS, ...ENDS, ...OPEN),
  age: fc.oneof(fc.integer({ min: 0, max: 40 * 24 }), fc.integer({ min: 0, max: 3 })),
  took: fc.integer({ min: 0, max: 5 * 24 }),
  /** Of a run before it. */
  parent: fc.option(fc.nat(), { freq: 2 }),
  source: fc.option(fc.nat(), { freq: 3 }),
});
const kept = fc.constantFrom("3d", "10d", "30d", "1runs", "4runs", "9runs", "10d 3runs", "forever");
const anyRules = fc
  .record({ every: fc.option(kept), completed: fc.option(kept), acme: fc.option(kept), acmeFailed: fc.option(kept) })
  .map((said) => ({
    rules: { "/*": said.every, "/completed": said.completed, "acme/*": said.acme, "acme/failed": said.acmeFailed },
    text: [
      said.every && `*=${said.every}`,
      said.completed && `completed=${said.completed}`,
      said.acme && `acme: *=${said.acme}`,
      said.acmeFailed && `acme: failed=${said.acmeFailed}`,
    ]
      .filter(Boolean)
      .join(";"),
  }));

/** The choice in plain words, of all runs. */
function goes(runs: RunRow[], rules: Record<string, string | null>): string[] {
  const isSettled = ({ status, finished_at = NOW }: RunRow) => ENDS.includes(status) && finished_at < NOW - HOUR;
  const isDue = (one: RunRow) => {
    const { project_id, status } = one;
    const rule =
      rules[`${project_id}/${status}`] ?? rules[`${project_id}/*`] ?? rules[`/${status}`] ?? rules["/*"] ?? "forever";
    const [, days] = /(\d+)d/.exec(rule) ?? [];
    const [, most] = /(\d+)runs/.exec(rule) ?? [];
    const isNewer = (other: RunRow) =>
      other.created_at > one.created_at || (other.created_at === one.created_at && other.id > one.id);
    const alike = runs.filter((other) => other.project_id === project_id && other.status === status);
    const isOld = days !== undefined && (one.finished_at ?? NOW) < NOW - Number(days) * DAY;
    const isBeyond = most !== undefined && alike.filter(isNewer).length >= Number(most);
    return isSettled(one) && (isOld || isBeyond);
  };
  const treeOf = (one: RunRow): RunRow[] => [
    one,
    ...runs.filter(({ parent_workflow_run_id }) => parent_workflow_run_id === one.id).flatMap(treeOf),
  ];
  const isRead = ({ id }: RunRow) =>
    runs.some(({ retry_of_run_id, status }) => retry_of_run_id === id && OPEN.includes(status));
  const isRoot = (one: RunRow) => !runs.some(({ id }) => id === one.parent_workflow_run_id);
  return runs
    .filter((one) => isRoot(one) && isDue(one))
    .map(treeOf)
    .filter((tree) => tree.every((one) => isSettled(one) && !isRead(one)))
    .flat()
    .map(({ id }) => id);
}

test("of any runs, exactly those go that the rules don't keep and nobody needs", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(anyRun, { maxLength: 40, size: "max" }), anyRules, async (drafts, { rules, text }) => {
      await deps.db.query("truncate workflow_runs, run_tags, run_labels");
      const runs: RunRow[] = [];
      for (const { project_id, status, age, took, parent, source } of drafts) {
        const before = (nth: number | null) =>
          nth === null ? undefined : (runs[nth % (runs.length + 1)]?.id ?? uuid());
        const created_at = NOW - age * HOUR;
        const finished_at = OPEN.includes(status) ? undefined : Math.min(created_at + took * HOUR, NOW);
        const of = { parent_workflow_run_id: before(parent), retry_of_run_id: before(source) };
        runs.push(run({ project_id, status: status as RunRow["status"], created_at, finished_at, ...of }));
      }
      await store(runs);
      const gone = goes(runs, rules);
      const retention = parseRetention(text);

      const { groups } = await previewLetGo(deps, retention, NOW);
      expect(groups.reduce((sum, { runs, below }) => sum + runs + below, 0)).toBe(gone.length);
      expect((await letGo(deps, retention, { now: NOW })).runs).toBe(gone.length);
      const left = runs.map(({ id }) => id).filter((id) => !gone.includes(id));
      expect((await stored()).sort()).toEqual(left.sort());
      for (const table of ["run_tags", "run_labels"]) {
        const { rows } = await deps.db.query(`select run_id from ${table}`);
        expect(rows.map(({ run_id }) => run_id).sort()).toEqual(left);
      }
    }),
    { numRuns: 60 },
  );
});

test("a run with more sub-workflow runs than one transaction takes goes with all of them, itself last", async () => {
  const root = run({});
  const children = Array.from({ length: 1_500 }, () => run({ parent_workflow_run_id: root.id, depth: 1 }));
  const open = run({ status: "running", finished_at: undefined, parent_workflow_run_id: children[7]?.id, depth: 2 });
  await store([root, ...children, open]);
  const retention = parseRetention("*=1d");

  expect(await letGo(deps, retention, { now: NOW })).toEqual({ runs: 0, keys: 0 });
  await deps.db.query("update workflow_runs set status = 'failed', finished_at = created_at where id = $1", [open.id]);
  const stop = new AbortController();
  const first = await letGo(deps, retention, { now: NOW, signal: stop.signal, told: () => stop.abort() });
  expect(first.runs).toBe(1_000);
  const left = await stored();
  expect(left).toContain(root.id);
  expect(left).not.toContain(open.id);
  expect(await letGo(deps, retention, { now: NOW })).toMatchObject({ runs: 502 });
  expect(await stored()).toEqual([]);
});

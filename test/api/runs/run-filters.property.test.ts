import fc from "fast-check";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type RunCounts, RUN_STATUSES, type WorkflowRun } from "../../../src/contract/runs.ts";
import { createWorkflow, gate, ok } from "../definitions.ts";
import { type Asked, letsThrough, type Made, madeUp, store } from "./filtered.ts";
import { type Answered, type Stack, startStack } from "../../stack/harness.ts";

const RUNS = 250;
const HOUR = 3_600_000;

let stack: Stack;
let workflows: string[];
let all: Made[];

beforeAll(async () => {
  stack = await startStack({ worker: false });
  const made = [await createWorkflow(stack, [gate("a")]), await createWorkflow(stack, [gate("a")])];
  workflows = made.map(({ id }) => id);
  // The same data each time, around the time of the test.
  const draw = fc.sample(fc.noBias(fc.nat(999_999)), { numRuns: 10_000, seed: 7 });
  const random = () => (draw.pop() ?? 0) / 1_000_000;
  // Of the other project are workflows of its own.
  all = madeUp(RUNS, workflows, random).map((one) =>
    one.run.project_id === "demo" ? one : { ...one, run: { ...one.run, workflow_id: one.run.id } },
  );
  await store(stack, all);
  // A tag that so many runs have, all but a few of them lost, is looked up run by run where the order is another one.
  await stack.deps.db.query(
    `insert into run_tags (project_id, key, value, created_at, run_id)
     select 'demo', 'team', 'a', now(), gen_random_uuid() from generate_series(1, 2500)`,
  );
});
afterAll(() => stack.stop());

const hoursAgo = fc.integer({ min: 45, max: 102 }).map((hours) => Date.now() - hours * HOUR - HOUR / 2);
const asked: fc.Arbitrary<Asked> = fc
  .record(
    {
      workflow_id: fc.nat(1).map((i) => workflows[i] ?? ""),
      status: fc.subarray([...RUN_STATUSES], { minLength: 1 }),
      triggered_by: fc.constantFrom("manual", "retry", "by cron", "nobody"),
      created_by: fc.constantFrom("ada", "ben", "apikey:1", "nobody"),
      tag_key: fc.constantFrom("team", "urgent", "none"),
      tag_value: fc.constantFrom("a", "yes"),
      label: fc.constantFrom("ref", "ref=", "ref=a=b", "ref=c", "hot", "hot=1", "a=b", "none"),
      created_after: hoursAgo,
      created_before: hoursAgo,
      finished_after: hoursAgo,
      finished_before: hoursAgo,
      error_contains: fc.constantFrom("timeout", "00 INT", "100%", "0% \\ o", "a_b", "aab", "none such"),
      waiting_longer_than_secs: fc.integer({ min: 0, max: 50 }).map((hours) => hours * 3600 + 1800),
      is_retried: fc.boolean(),
    },
    { requiredKeys: [] },
  )
  .map(({ tag_value, ...filter }) => (filter.tag_key === undefined ? filter : { ...filter, tag_value }));
// Most combinations of many let nothing through.
const few = asked.chain((filter) =>
  fc.subarray(Object.entries(filter), { maxLength: 3 }).map((some) => Object.fromEntries(some) as Asked),
);
const filters = fc
  .oneof(few, few, asked)
  .map(({ tag_value, ...filter }) =>
    filter.tag_key === undefined || tag_value === undefined ? filter : { ...filter, tag_value },
  );

const TIMES = ["created_after", "created_before", "finished_after", "finished_before"];

function search(filter: Asked, more: Record<string, string> = {}): string {
  const parameters = new URLSearchParams(more);
  for (const [name, value] of Object.entries(filter)) {
    if (Array.isArray(value)) for (const each of value) parameters.append(name, each);
    else if (value !== undefined)
      parameters.set(name, TIMES.includes(name) ? new Date(value as number).toISOString() : String(value));
  }
  return parameters.toString();
}

async function pages(path: string): Promise<WorkflowRun[]> {
  const found: WorkflowRun[] = [];
  for (let next: string | undefined = path; next; ) {
    const answer: Answered<WorkflowRun[]> = await stack.request("GET", next);
    expect(answer.status, JSON.stringify(answer.body)).toBe(200);
    found.push(...answer.body);
    next = /^<(.*)>; rel="next"$/.exec(answer.headers.get("link") ?? "")?.[1];
  }
  return found;
}

test("any filters let through what each of them does, in the order asked, on whatever pages", async () => {
  const sort = fc.constantFrom("created", "finished");
  const limit = fc.constantFrom("9", "50", "100");
  await fc.assert(
    fc.asyncProperty(filters, sort, limit, async (filter, sort, limit) => {
      const { workflow_id, ...others } = filter;
      const at = ({ run }: Made) => (sort === "finished" ? run.finished_at : run.created_at) ?? 0;
      const expected = all
        .filter((one) => one.run.project_id === "demo" && letsThrough(filter, one))
        .filter(({ run }) => sort === "created" || run.finished_at !== undefined)
        .sort((a, b) => at(b) - at(a) || (a.run.id < b.run.id ? 1 : -1));
      const paths = [`/v1/workflow-runs?${search(filter, { sort, limit })}`];
      if (workflow_id !== undefined) paths.push(`/v1/workflows/${workflow_id}/runs?${search(others, { sort, limit })}`);
      for (const path of paths) {
        const found = await pages(path);
        expect(found.map(({ id }) => id)).toEqual(expected.map(({ run }) => run.id));
        expect(found.map((run) => run.retried_by_run_id)).toEqual(expected.map(({ retried_by }) => retried_by));
      }
    }),
    { numRuns: 150, seed: 11 },
  );
}, 120_000);

test("and the counts are those of the list, by status and by workflow", async () => {
  await fc.assert(
    fc.asyncProperty(filters, async (filter) => {
      const expected = all.filter((one) => one.run.project_id === "demo" && letsThrough(filter, one));
      const counts = await ok<RunCounts>(stack, "GET", `/v1/workflow-runs/counts?${search(filter)}`);
      const count = (some: Made[]) =>
        Object.fromEntries(
          RUN_STATUSES.map(
            (status) => [status, some.filter(({ run }) => run.status === status).length] as const,
          ).filter(([, runs]) => runs > 0),
        );
      expect(counts).toMatchObject({ total: expected.length, by_status: count(expected), capped: [] });
      for (const { workflow_id, total, by_status } of counts.by_workflow) {
        const own = expected.filter(({ run }) => run.workflow_id === workflow_id);
        expect({ total, by_status }).toEqual({ total: own.length, by_status: count(own) });
      }
      expect(counts.by_workflow.reduce((sum, { total }) => sum + total, 0)).toBe(expected.length);
    }),
    { numRuns: 60, seed: 12 },
  );
}, 120_000);

import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Attempt, StepRun, WorkflowRun } from "../../src/contract/runs.ts";
import { type Stack, startStack } from "../stack/harness.ts";
import { type Scenario, scenarioOn, type StepDraft } from "../stack/scenario.ts";
import { until } from "../stack/until.ts";

let stack: Stack;
let on: Scenario;
beforeAll(async () => {
  stack = await startStack();
  on = scenarioOn(stack);
  stack.jobs.on("/large", ({ headers }) => ({ body: { of: headers["x-step-ref"], text: "x".repeat(1_000_000) } }));
  stack.jobs.on("/small", () => ({ body: { small: true } }));
});
afterAll(() => stack.stop());

/** About what four documents of a million bytes and what stands around them are, and nothing near five. */
const MOST = 4.5 * 1_000_000;

const get = async <Item>(path: string) => {
  const answered = await stack.request<Item[]>("GET", path);
  expect(answered.status).toBe(200);
  const length = Number(answered.headers.get("content-length"));
  expect(length).toBeLessThan(MOST);
  return { ...answered, length };
};

/** Follows the cursors until there is no more. */
async function pages<Item>(path: string): Promise<Item[][]> {
  const all: Item[][] = [];
  for (let next: string | null = path; next; ) {
    const { body, headers }: { body: Item[]; headers: Headers } = await get<Item>(next);
    all.push(body);
    expect(all.length).toBeLessThan(100);
    next = /^<(.*)>; rel="next"$/.exec(headers.get("link") ?? "")?.[1] ?? null;
    expect(headers.get("x-has-more")).toBe(String(next !== null));
  }
  return all;
}

const fan = (n: number): StepDraft[] => [
  { step_ref: "before", calls: "/small" },
  ...Array.from({ length: n }, (_, i) => ({ step_ref: `s${i}`, calls: "/large" })),
  { step_ref: "after", calls: "/small" },
];

describe("GET …/steps of a run with more outputs than one answer carries", () => {
  test("lists all steps, and says which outputs it leaves out and where they are read", async () => {
    const run = await on.start(fan(12));
    expect(await on.ends(run)).toMatchObject({ status: "completed" });
    const { body, headers, length } = await get<StepRun>(`/v1/workflow-runs/${run.id}/steps`);
    expect(body.map(({ step_ref }) => step_ref)).toEqual([
      "before",
      ...Array.from({ length: 12 }, (_, i) => `s${i}`),
      "after",
    ]);
    expect(body.every(({ status }) => status === "completed")).toBe(true);
    const without = body.filter(({ output }) => output === undefined).map(({ step_ref }) => step_ref);
    expect(without).toEqual(["s4", "s5", "s6", "s7", "s8", "s9", "s10", "s11"]);
    expect(length).toBeGreaterThan(4_000_000);
    const [, count, rest = ""] = /^output; count=(\d+); read="(.*)"$/.exec(headers.get("x-left-out") ?? "") ?? [];
    expect(count).toBe("8");

    const read = (await pages<StepRun>(rest)).flat();
    expect(read.map(({ step_ref }) => step_ref)).toEqual([...without, "after"]);
    for (const { step_ref, output } of read.slice(0, -1)) expect(output).toMatchObject({ of: step_ref });
    const enveloped = await stack.request<{ data: StepRun[] }>(
      "GET",
      `/v1/workflow-runs/${run.id}/steps?envelope=true`,
    );
    expect(enveloped.body).toMatchObject({ has_more: false, data: { length: 14 } });
    expect(enveloped.headers.get("x-left-out")).toMatch(/^output; count=8; read=".*envelope=true/);
  });

  test("in pages has all outputs, in as many pages as that takes", async () => {
    const run = await on.start(fan(9));
    await on.ends(run);
    const all = await pages<StepRun>(`/v1/workflow-runs/${run.id}/steps?limit=100`);
    expect(all.length).toBeGreaterThan(2);
    expect(all.flat().map(({ step_ref }) => step_ref)).toEqual((await on.steps(run)).map(({ step_ref }) => step_ref));
    expect(all.flat().every(({ output }) => output !== undefined)).toBe(true);
  });

  test("of an open run is bounded alike", async () => {
    const run = await on.start([...fan(6), { step_ref: "gate", step_type: "approval", approval_approvers: ["ada"] }]);
    await on.opens(run, "after", "completed");
    // A busy worker's run is shown as it is mirrored, which may be a moment behind.
    const leftOut = async () => (await get<StepRun>(`/v1/workflow-runs/${run.id}/steps`)).headers.get("x-left-out");
    expect(await until(leftOut)).toMatch(/^output; count=/);
    await on.cancel(run);
  });

  test("that fits leaves out nothing", async () => {
    const run = await on.start(fan(4));
    await on.ends(run);
    const { body, headers } = await get<StepRun>(`/v1/workflow-runs/${run.id}/steps`);
    expect(headers.has("x-left-out")).toBe(false);
    expect(body.every(({ output }) => output !== undefined)).toBe(true);
  });
});

test("the attempts of a step are bounded alike", async () => {
  const run = await on.start([
    { step_ref: "a", calls: "/large" },
    { step_ref: "gate", step_type: "approval", approval_approvers: ["ada"] },
  ]);
  for (let n = 1; n <= 6; n++) {
    await on.opens(run, "a", "completed");
    if (n < 6) expect((await on.steer(run, "retry", "a")).status).toBe(200);
    if (n < 6) await until(async () => (await on.step(run, "a")).attempt === n + 1);
  }
  const path = `/v1/workflow-runs/${run.id}/steps/a/attempts`;
  const { body, headers } = await get<Attempt>(path);
  expect(body.map(({ attempt, output }) => [attempt, output !== undefined])).toEqual(
    [1, 2, 3, 4, 5, 6].map((n) => [n, n < 5]),
  );
  expect(headers.get("x-left-out")).toBe(`output; count=2; read="${path}?limit=100&cursor=${encodeCursor(4)}"`);
  expect((await pages<Attempt>(`${path}?limit=3`)).flat().every(({ output }) => output)).toBe(true);
  await on.cancel(run);
});

const encodeCursor = (place: number) => Buffer.from(`after:${place}`).toString("base64url");

test("a page of runs with large payloads is as long as one answer carries, and no run is missed", async () => {
  const workflow = await on.workflow([{ step_ref: "a", calls: "/small", payload: [1] }]);
  const made: string[] = [];
  for (let n = 0; n < 10; n++) {
    const payload = n % 3 === 2 ? { n } : { n, text: "é".repeat(500_000) };
    made.push((await on.trigger(workflow, { payload })).id);
  }
  const all = await pages<WorkflowRun>(`/v1/workflow-runs?limit=100`);
  expect(all.length).toBeGreaterThan(1);
  const listed = all.flat().filter(({ id }) => made.includes(id));
  expect(listed.map(({ id }) => id)).toEqual(made.toReversed());
  expect(listed.every(({ payload }) => payload !== undefined)).toBe(true);
});

describe("what a step is given", () => {
  test.each([
    ["the outputs of many steps", 6, "the payload would be 5.7 MiB"],
    ["far more of them than are read at all", 20, "the payloads and outputs that it is made of are 19.1 MiB"],
  ])("fails it where it is too large, before anything is called: %s", async (_, n, words) => {
    const after = Array.from({ length: n }, (_, i) => `s${i}`);
    const run = await on.start([...fan(n), { step_ref: "join", calls: "/joined", depends_on: after }]);
    const error = `${words}, and a step is given at most 4.0 MiB: let the steps before it answer with references (an id or a URL of what they stored), or keep only what is needed of their answers by output_transform`;
    expect(await on.ends(run)).toMatchObject({ status: "failed", error });
    expect(await on.step(run, "join")).toMatchObject({ status: "failed", error, attempt: 1 });
    expect(stack.jobs.callsTo("/joined")).toEqual([]);
  });

  test("may be a part of what is large", async () => {
    const after = Array.from({ length: 6 }, (_, i) => `s${i}`);
    const run = await on.start([
      ...fan(6),
      { step_ref: "join", calls: "/part", depends_on: after, payload: ["{{parent_outputs.s1.of}}"] },
    ]);
    expect(await on.ends(run)).toMatchObject({ status: "completed" });
    expect(stack.jobs.callsTo("/part")[0]?.text).toBe('["s1"]');
  });

  test("a sub-workflow whose outputs are together too large fails its step, as it does where it is given too much", async () => {
    const child = await on.workflow(fan(6));
    const run = await on.start([{ step_ref: "sub", step_type: "sub_workflow", sub_workflow_id: child.id }]);
    expect(await on.ends(run)).toMatchObject({
      status: "failed",
      error: expect.stringMatching(
        /^the outputs of the sub-workflow are together 5\.7 MiB, and a step is given at most 4\.0 MiB: /,
      ),
    });
    const after = Array.from({ length: 6 }, (_, i) => `s${i}`);
    const given = await on.start([
      ...fan(6),
      { step_ref: "sub", step_type: "sub_workflow", sub_workflow_id: child.id, depends_on: after },
    ]);
    expect(await on.ends(given)).toMatchObject({
      status: "failed",
      error: expect.stringMatching(/^the payload would be 5\.7 MiB/),
    });
  });
});

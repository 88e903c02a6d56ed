import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Stack, startStack } from "../stack/harness.ts";
import { type Scenario, scenarioOn, type StepDraft } from "../stack/scenario.ts";

let stack: Stack;
let on: Scenario;
beforeAll(async () => {
  stack = await startStack();
  stack.jobs.on("/fetch", () => ({
    body: { amount: 250, items: [{ id: "i-0" }, { id: "i-1" }], "odd name": true, due: "2026-03-02T10:00:00Z" },
  }));
  stack.jobs.on("/large", () => ({
    body: { amount: 250, blob: "x".repeat(100_000), short: "v12", price: 12345678901234567890n },
  }));
  on = scenarioOn(stack);
});
afterAll(() => stack.stop());

const calls = (path: string) => stack.jobs.callsTo(path).map(({ body }) => body as Record<string, unknown>);

describe.concurrent("references", () => {
  test("reach outputs of steps further back, array elements, odd names, and the run", async () => {
    const run = await on.start(
      [
        { step_ref: "fetch.v1", calls: "/fetch" },
        { step_ref: "between", calls: "/between", depends_on: ["fetch.v1"] },
        {
          step_ref: "far",
          calls: "/far",
          depends_on: ["between"],
          payload: {
            id: "{{outputs.fetch.v1.items[1].id}}",
            all: "{{ outputs.fetch.v1.items }}",
            odd: '{{outputs["fetch.v1"]["odd name"]}}',
            text: "{{{{amount}}: {{outputs.fetch.v1.amount}}{{missing?}}",
            none: "{{missing?}}",
            run: "{{run.id}} {{run.workflow_id}} {{run.created_by}} {{run.attempt}}",
          },
        },
      ],
      { payload: {} },
    );
    expect(await on.ends(run)).toMatchObject({ status: "completed" });
    expect(calls("/far")[0]).toMatchObject({
      id: "i-1",
      all: [{ id: "i-0" }, { id: "i-1" }],
      odd: true,
      text: "{{amount}}: 250",
      none: null,
      run: `${run.id} ${run.workflow_id} ada 1`,
    });
    // What it is given besides is what it was: only of direct dependencies.
    expect(Object.keys(calls("/far")[0]?.parent_outputs as object)).not.toContain("fetch.v1");
  });

  test("reach a large output of a step further back, from a payload that is large itself, every digit kept", async () => {
    const run = await on.start([
      { step_ref: "large", calls: "/large" },
      { step_ref: "between", calls: "/between", depends_on: ["large"] },
      {
        step_ref: "far",
        calls: "/far-large",
        depends_on: ["between"],
        payload: { note: "y".repeat(3000), version: "{{outputs.large.short}}", price: "{{outputs.large.price}}" },
      },
    ]);
    expect(await on.ends(run)).toMatchObject({ status: "completed" });
    expect(stack.jobs.callsTo("/far-large")[0]?.text).toContain('"version":"v12","price":12345678901234567890');
  });

  const without: [string, StepDraft, string][] = [
    [
      "a job",
      { step_ref: "last", calls: "/never", payload: { a: ["{{payload.order.id}}"] } },
      "payload.order.id has no value",
    ],
    [
      "a job, several attempts",
      { step_ref: "last", calls: "/never", retry_max_attempts: 3, payload: "{{outputs.first.x[0]}}" },
      "outputs.first.x[0] has no value",
    ],
    [
      "a skipped step's output",
      { step_ref: "last", calls: "/never", payload: "{{outputs.skipped.id}}" },
      "outputs.skipped.id has no value",
    ],
    [
      "an event key",
      { step_ref: "last", step_type: "wait_for_event", event_key: "order-{{order_id}}" },
      "payload.order_id has no value",
    ],
    [
      "a job's emit key",
      { step_ref: "last", calls: "/never", event_emit_key: "done-{{order_id}}" },
      "payload.order_id has no value",
    ],
    [
      "a sleep's emit key",
      { step_ref: "last", step_type: "sleep", sleep_duration_secs: 1, event_emit_key: "{{outputs.first.id}}" },
      "outputs.first.id has no value",
    ],
  ];
  test.each(without)("without a value fail the step before anything is called: %s", async (_, step, error) => {
    const run = await on.start([
      { step_ref: "first", calls: "/first" },
      { step_ref: "skipped", calls: "/never", condition: { type: "any_of", conditions: [] } },
      { ...step, depends_on: ["first", "skipped"] },
    ]);
    expect(await on.ends(run)).toMatchObject({ status: "failed", error });
    expect(await on.step(run, "last")).toMatchObject({ status: "failed", error, attempt: 1 });
    expect(calls("/never")).toEqual([]);
  });

  test("without a value fail a sub-workflow step, and nothing is started", async () => {
    const inner = await on.workflow([{ step_ref: "one", calls: "/never" }]);
    const run = await on.start([{ step_ref: "sub", sub_workflow_id: inner.id, payload: { n: "{{n}}" } }]);
    expect(await on.ends(run)).toMatchObject({ status: "failed", error: "payload.n has no value" });
    expect(calls("/never")).toEqual([]);
  });
});

describe.concurrent("a condition", () => {
  const over100 = (ref: string) => ({ type: "gt", left: { ref }, right: 100 });
  const chain = (path: string, condition: object, more: object = {}): StepDraft[] => [
    { step_ref: "source", calls: path },
    { step_ref: "between", calls: "/between", depends_on: ["source"] },
    { step_ref: "asks", calls: "/asked", depends_on: ["between"], condition, ...more },
    { step_ref: "after", calls: "/after", depends_on: ["asks"] },
  ];

  test.each<[string, string, object, object, string]>([
    ["an output further back", "/fetch", over100("outputs.source.amount"), {}, "completed"],
    ["a large output", "/large", over100("outputs.source.amount"), {}, "completed"],
    ["a large output, false", "/large", { type: "not", condition: over100("outputs.source.amount") }, {}, "skipped"],
    [
      "a pattern in a large output",
      "/large",
      { type: "regex", left: { ref: "outputs.source.short" }, right: "^v\\d+$" },
      {},
      "completed",
    ],
    [
      "what is not in a large output",
      "/large",
      { type: "exists", operand: { ref: "outputs.source.nothing" } },
      {},
      "skipped",
    ],
    ["the payload", "/fetch", over100("amount"), { amount: 101 }, "completed"],
    ["the payload, false", "/fetch", over100("payload.amount"), { amount: 100 }, "skipped"],
    ["a large payload", "/fetch", over100("amount"), { amount: 101, note: "z".repeat(5000) }, "completed"],
    [
      "a time",
      "/fetch",
      { type: "lt", left: { ref: "outputs.source.due" }, right: { ref: "now" } },
      { now: "2026-03-02T11:00:00.5+01:00" },
      "completed",
    ],
  ])("on %s", async (_, path, condition, payload, status) => {
    const run = await on.start(chain(path, condition), { payload });
    expect(await on.ends(run)).toMatchObject({ status: "completed" });
    expect(await on.statuses(run)).toEqual({
      source: "completed",
      between: "completed",
      asks: status,
      after: "completed",
    });
  });

  test.each<[string, string, object, string]>([
    ["without a value", "/fetch", over100("payload.amount"), "condition of step asks: payload.amount has no value"],
    [
      "without a value in a large output",
      "/large",
      over100("outputs.source.total"),
      "condition of step asks: outputs.source.total has no value",
    ],
    [
      "of another type",
      "/large",
      over100("outputs.source.short"),
      'condition of step asks: gt needs two numbers or two RFC3339 times: outputs.source.short is the string "v12", the other is the number 100',
    ],
    [
      "too large",
      "/large",
      { type: "eq", left: { ref: "outputs.source.blob" }, right: "x" },
      "condition of step asks: outputs.source.blob is too long to be compared: 100002 characters, where 4096 may be",
    ],
  ])("on a value %s fails its step, saying so", async (_, path, condition, error) => {
    const run = await on.start(chain(path, condition));
    expect(await on.ends(run)).toMatchObject({ status: "failed", error });
  });

  test("that is false passes over a whole branch with on_skip skip_dependents", async () => {
    const run = await on.start(
      [
        ...chain("/fetch", over100("amount"), { on_skip: "skip_dependents" }),
        { step_ref: "join", calls: "/between", depends_on: ["after"] },
        { step_ref: "aside", calls: "/between", depends_on: ["between"] },
      ],
      { payload: { amount: 1 } },
    );
    expect(await on.ends(run)).toMatchObject({ status: "completed" });
    const skipped = { asks: "skipped", after: "skipped", join: "skipped" };
    expect(await on.statuses(run)).toEqual({
      source: "completed",
      between: "completed",
      ...skipped,
      aside: "completed",
    });
  });

  test("is looked up while the run is paused, and decided about afterwards", async () => {
    const run = await on.start(
      [
        { step_ref: "gate", step_type: "approval", approval_approvers: ["ada"] },
        { step_ref: "asks", calls: "/asked-paused", depends_on: ["gate"], condition: over100("amount") },
      ],
      { payload: { amount: 101, note: "z".repeat(5000) } },
    );
    await on.opens(run, "gate");
    await on.steer(run, "pause");
    await on.steer(run, "approve", "gate");
    expect(await on.statuses(run)).toEqual({ gate: "completed", asks: "waiting" });
    await on.steer(run, "resume");
    expect(await on.ends(run)).toMatchObject({ status: "completed" });
    expect(calls("/asked-paused")).toHaveLength(1);
  });
});

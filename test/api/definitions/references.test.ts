import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Job } from "../../../src/contract/jobs/jobs.ts";
import { createJob, createOn, gate, type Step, wait, work } from "../definitions.ts";
import { workflowWithSteps } from "../definition-shapes.ts";
import { answered, refused } from "../shapes.ts";
import { type Stack, startStack } from "../../stack/harness.ts";

let stack: Stack;
let job: Job;
beforeAll(async () => {
  stack = await startStack({ worker: false });
  job = await createJob(stack);
});
afterAll(() => stack.stop());

const createOf = createOn(() => stack);

/** "build" and "build.js", "test" after them, then the step in question, then "late". */
const around = (over: Step, make = (ref: string, more: Step) => work(ref, job, more)): Step[] => [
  work("build", job),
  work("build.js", job),
  work("test", job, { depends_on: ["build", "build.js"] }),
  make("asks", { depends_on: ["test"], ...over }),
  work("late", job, { depends_on: ["asks"] }),
  work("aside", job),
];

const event = (ref: string, more: Step) => wait(ref, "key", more);
const asGate = (ref: string, more: Step) => gate(ref, more);

describe("a definition", () => {
  test("may refer to any step before, to array elements, to odd names, to the payload and the run", async () => {
    const payload = {
      far: "{{outputs.build.items[0].id}} {{ outputs.build.js.url }}",
      odd: ['{{outputs["build.js"]["a b"][1]}}', "{{parent_outputs.test.ok}}", "{{order.lines.0.sku?}}"],
      run: "{{run.id}}/{{run.workflow_id}}/{{run.created_by}}/{{run.attempt}}",
      literal: "{{{{not.one}}",
    };
    const condition = {
      type: "all_of",
      conditions: [
        { type: "gt", left: { ref: "outputs.build.amount" }, right: 100 },
        { type: "exists", operand: { ref: "payload.env" } },
        { type: "eq", left: { ref: "env?" }, right: "production" },
      ],
    };
    const answer = await createOf(
      around({ payload, condition, event_emit_key: "built:{{env}}", on_skip: "skip_dependents" }),
    );
    const { steps } = answered(answer, 201, workflowWithSteps);
    expect(steps[3]).toMatchObject({ payload, condition, event_emit_key: "built:{{env}}", on_skip: "skip_dependents" });
    expect(steps[2]).not.toHaveProperty("on_skip");
  });

  test.each<[string, string, () => Step[]]>([
    [
      "payload.a[1].b",
      '"outputs.gone.x" references unknown step "gone"',
      () => around({ payload: { a: [1, { b: "<{{outputs.gone.x}}>" }] } }),
    ],
    [
      "payload",
      '"outputs.late.x": step "late" does not come before it',
      () => around({ payload: "{{outputs.late.x}}" }),
    ],
    [
      "payload.own",
      '"outputs.asks.x": step "asks" does not come before it',
      () => around({ payload: { own: "{{outputs.asks.x}}" } }),
    ],
    [
      "payload.x",
      '"outputs.aside": step "aside" does not come before it',
      () => around({ payload: { x: "{{outputs.aside}}" } }),
    ],
    [
      "payload.x",
      '"parent_outputs.build.x": the step does not depend on "build" directly; from further back it is outputs.build.x',
      () => around({ payload: { x: "{{parent_outputs.build.x}}" } }),
    ],
    ["payload.x", '"item.id": "item" exists only within a for-each', () => around({ payload: { x: "{{item.id}}" } })],
    [
      "payload.x",
      "run has the members id, workflow_id, created_by, attempt",
      () => around({ payload: { x: "{{run.token}}" } }),
    ],
    ["payload.x", '"#if ready" is not a reference', () => around({ payload: { x: "{{#if ready}}" } })],
    ["payload.x", "{{order.id is not a reference followed by }}", () => around({ payload: { x: "{{order.id" } })],
    [
      "event_key",
      '"outputs.late.id": step "late" does not come before it',
      () => around({ event_key: "order-{{outputs.late.id}}" }, event),
    ],
    [
      "event_key",
      "{{order id is not a reference followed by }}",
      () => around({ event_key: "order-{{order id}}" }, event),
    ],
    [
      "event_emit_key",
      '"outputs.gone" references unknown step "gone"',
      () => around({ event_emit_key: "{{outputs.gone}}" }),
    ],
    [
      "concurrency_key",
      'concurrency_key takes no references: "order-{{order}}"',
      () => around({ concurrency_key: "order-{{order}}" }),
    ],
    [
      "event_notify_url",
      "event_notify_url takes no references",
      () => around({ event_notify_url: "https://example.org/{{order}}" }, event),
    ],
    [
      "approval_options[1]",
      "approval_options[1] takes no references",
      () => around({ approval_approvers: ["ada"], approval_options: ["ship", "{{other}}"] }, asGate),
    ],
    [
      "condition",
      '"{{env}}": braces are not replaced in a condition; a value of the run is {"ref": "payload.name"}',
      () => around({ condition: { type: "eq", left: "{{env}}", right: "production" } }),
    ],
    [
      "condition",
      '"outputs.late.x": step "late" does not come before it',
      () => around({ condition: { type: "exists", operand: { ref: "outputs.late.x" } } }),
    ],
    [
      "condition",
      '{"step_ref": "build"} is the status of the step, which is never "250"; its output is {"ref": "outputs.build"}',
      () => around({ condition: { type: "eq", left: { step_ref: "build" }, right: 250 } }),
    ],
    [
      "condition",
      'which is never "succeeded"',
      () => around({ condition: { type: "in", left: { step_ref: "build" }, right: ["succeeded"] } }),
    ],
    [
      "condition",
      "condition.right must be a number or an RFC3339 time",
      () => around({ condition: { type: "gt", left: { ref: "amount" }, right: "many" } }),
    ],
    [
      "condition",
      "regular expressions of this workflow's conditions are together too large",
      () => around({ condition: { type: "regex", left: "a".repeat(15_000), right: "(a?){1000}a{1000}" } }),
    ],
    ["on_skip", "on_skip must be one of run, skip_dependents", () => around({ on_skip: "stop" })],
  ])("is refused by step, field and reference: %s %s", async (field, message, steps) => {
    const { error, details } = refused(await createOf(steps()), 400, "validation_error", /^step "asks": /);
    expect(error).toContain(
      message.replace("{{order id is not a reference followed by }}", "{{order id is not a reference"),
    );
    expect(details?.[0]).toContain(`steps[3].${field} of step "asks": `);
  });

  test("with sixty hostile patterns is refused at once", async () => {
    const condition = { type: "regex", left: "a".repeat(15_000), right: "(a?){1000}a{1000}" };
    const steps = Array.from({ length: 60 }, (_, i) => work(`s${i}`, job, { condition }));
    refused(await createOf(steps), 400, "validation_error", /^step "s0": the regular expressions/);
  });
});

describe("a step without a type", () => {
  test.each<[string, Step]>([
    ["wait_for_event", { event_key: "paid" }],
    ["wait_for_event", { event_key: "paid", timeout_secs: 60 }],
    ["sleep", { sleep_duration_secs: 5 }],
    ["sleep", { sleep_duration: "1h" }],
  ])("is a %s by its fields %j", async (type, fields) => {
    const { steps } = answered(await createOf([{ step_ref: "one", ...fields }]), 201, workflowWithSteps);
    expect(steps[0]?.step_type).toBe(type);
  });

  test("is a sub_workflow by its sub_workflow_id, and a job with a job_id whatever else it has", async () => {
    const inner = answered(await createOf([{ step_ref: "one", sleep_duration: "1s" }]), 201, workflowWithSteps);
    const steps = [
      { step_ref: "sub", sub_workflow_id: inner.id },
      { step_ref: "job", job_id: job.id, event_key: "unused" },
    ];
    const made = answered(await createOf(steps), 201, workflowWithSteps);
    expect(made.steps.map(({ step_type }) => step_type)).toEqual(["sub_workflow", "job"]);
  });

  test("and without a field that tells it is a job, which needs its job_id", async () => {
    refused(
      await createOf([{ step_ref: "one", approvers: ["ada"] }]),
      400,
      "validation_error",
      "job steps require job_id",
    );
  });
});

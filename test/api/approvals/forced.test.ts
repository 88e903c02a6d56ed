import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { StepRun, WorkflowRun } from "../../../src/contract/runs.ts";
import { commandSignals } from "../../../workflows/messages.ts";
import { decidingOn } from "./deciding.ts";
import { type Stack, startStack } from "../../stack/harness.ts";
import { scenarioOn } from "../../stack/scenario.ts";
import { until } from "../../stack/until.ts";
import { refused } from "../shapes.ts";

let stack: Stack;
let on: ReturnType<typeof scenarioOn>;
beforeAll(async () => {
  stack = await startStack();
  on = scenarioOn(stack);
});
afterAll(() => stack.stop());

const { say } = decidingOn(
  () => stack,
  () => on,
);

const FORM = {
  type: "object",
  properties: { amount: { type: "integer", maximum: 50 } },
  required: ["amount"],
  additionalProperties: false,
};
const OPTIONS = ["ship", "hold"];
const GATE = { step_ref: "gate", step_type: "approval", approval_approvers: ["ada"] };
const SHIP = { type: "eq", left: { ref: "outputs.gate.option" }, right: "ship" };

async function started(more: object): Promise<WorkflowRun> {
  const run = await on.start([
    { ...GATE, ...more },
    { step_ref: "ship", calls: "/ship", depends_on: ["gate"], condition: SHIP },
  ]);
  await on.opens(run, "gate");
  return run;
}
/** As ada, its approver; with a token that may override, as root. */
const force = (run: WorkflowRun, result?: unknown, by: "ada" | "root" = "ada", more = "") => {
  const path = `/v1/workflow-runs/${run.id}/steps/gate/force-complete${more}`;
  const scopes = by === "root" ? ["*"] : ["workflows:write"];
  const options = { token: stack.token({ sub: by, scopes }) };
  return stack.request<{ step_run: StepRun }>("POST", path, { result }, options);
};

describe("what a gate is completed with by force, by an approver or with approvals:override,", () => {
  test.each([
    [{ approval_options: OPTIONS }, undefined, "result.option must be one of ship, hold"],
    [{ approval_options: OPTIONS }, { option: "roll back" }, "result.option must be one of ship, hold"],
    [{ approval_options: OPTIONS }, { option: "ship", by: "eve" }, /^result.by must be (ada|root), who completes it$/],
    [{ approval_options: OPTIONS }, { option: "ship", at: 1 }, "result must have no more than option, by and values"],
    [{ approval_options: OPTIONS }, { option: "ship", values: {} }, "step gate has no form for result.values"],
    [{ approval_form: FORM }, undefined, "result must have required property 'amount'"],
    [{ approval_form: FORM }, { amount: 51 }, "result.amount must be <= 50"],
    [
      { approval_form: FORM, approval_options: OPTIONS },
      { option: "ship", values: { amount: 51 } },
      "result.values.amount must be <= 50",
    ],
  ])("of %j is not %j", async (more, result, message) => {
    const run = await started(more);
    for (const by of ["ada", "root"] as const)
      for (const dry of ["?dryRun=true", ""])
        refused(await force(run, result, by, dry), 400, "validation_error", message);
    expect(await on.step(run, "gate")).toMatchObject({ status: "waiting" });
    await on.cancel(run);
  });

  test("is what they would put out who decide it", async () => {
    const run = await started({ approval_options: OPTIONS, approval_form: FORM });
    const values = { amount: 40 };
    expect((await force(run, { option: "ship", values }, "ada", "?dryRun=true")).status).toBe(200);
    const { body } = await force(run, { option: "ship", values });
    expect(body.step_run).toMatchObject({ status: "completed", output: { option: "ship", by: "ada", values } });
    expect(await on.ends(run)).toMatchObject({ status: "completed" });
    expect(await on.statuses(run)).toEqual({ gate: "completed", ship: "completed" });
    const held = await started({ approval_options: OPTIONS });
    expect((await force(held, { option: "hold", by: "root" }, "root")).status).toBe(200);
    await on.ends(held);
    expect(await on.statuses(held)).toEqual({ gate: "completed", ship: "skipped" });
  });

  test("is whatever they like, where it has neither options nor a form", async () => {
    const run = await started({});
    expect((await force(run, { option: "ship", whatever: 1 })).status).toBe(200);
    expect((await on.step(run, "gate")).output).toEqual({ option: "ship", whatever: 1 });
  });
});

test("of who has no right to the gate, nothing is checked but that", async () => {
  const run = await started({ approval_options: OPTIONS, approval_form: FORM });
  for (const result of [{ option: "roll back" }, { option: "ship", values: { amount: 1 } }])
    refused(await say(run, "force-complete", "eve", { result }), 403, "forbidden", /requires approvals:override/);
});

test("a gate is completed so before it has opened, and not with another's values", async () => {
  const answer = stack.jobs.hold("/first");
  const run = await on.start([
    { step_ref: "first", calls: "/first" },
    { ...GATE, approval_form: FORM, depends_on: ["first"] },
  ]);
  await on.opens(run, "first", "running");
  refused(await force(run, { amount: 51 }), 400, "validation_error", "result.amount must be <= 50");
  expect((await force(run, { amount: 5 })).body.step_run.output).toEqual({ amount: 5 });
  answer();
  expect(await on.ends(run)).toMatchObject({ status: "completed" });
});

test("nor is it by hand", async () => {
  const run = await started({ approval_options: OPTIONS });
  const handle = stack.deps.temporal.workflow.getHandle(run.id);
  const forced = {
    id: "forced",
    actor: "ada",
    step_ref: "gate",
    result: { text: '{"option":"roll back","by":"ada"}' },
  };
  await handle.signal(commandSignals["force-complete"], forced);
  const { body } = await until(async () => {
    const answer = await stack.request("GET", `/v1/workflow-runs/${run.id}/commands/forced`);
    return answer.status === 200 && answer;
  });
  expect(body).toMatchObject({ status: "refused", message: "result.option must be one of ship, hold" });
});

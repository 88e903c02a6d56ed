import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Decisions } from "../../../src/contract/approvals.ts";
import type { WorkflowRun } from "../../../src/contract/runs.ts";
import { commandSignals } from "../../../workflows/messages.ts";
import { formHash } from "../../../workflows/engine/gates/shown.ts";
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

const { say, shownOf } = decidingOn(
  () => stack,
  () => on,
);

const OPTIONS = ["ship", "hold", "roll back"];
const is = (option: string) => ({ type: "eq", left: { ref: "outputs.gate.option" }, right: option });
async function started(more: object, payload: object = {}): Promise<WorkflowRun> {
  const run = await on.start(
    [
      { step_ref: "gate", step_type: "approval", approval_approvers: ["ada", "bob", "cleo"], ...more },
      { step_ref: "ship", calls: "/ship", depends_on: ["gate"], condition: is("ship") },
      { step_ref: "back", calls: "/back", depends_on: ["gate"], condition: is("roll back") },
    ],
    { payload },
  );
  await on.opens(run, "gate");
  return run;
}

describe("options", () => {
  test("one is chosen, it is the output, and conditions branch on it", async () => {
    const run = await started({ approval_options: OPTIONS });
    expect(await shownOf(run)).toMatchObject({ options: OPTIONS, status: "pending" });
    refused(
      await say(run, "approve", "ada"),
      400,
      "invalid_state",
      "step gate has options: choose one of ship, hold, roll back",
    );
    const wrong = refused(
      await say(run, "choose", "ada", { option: "shipp" }),
      400,
      "validation_error",
      /must be one of/,
    );
    expect(wrong.details).toEqual(["option must be one of ship, hold, roll back"]);
    expect(refused(await say(run, "choose", "ada"), 400, "validation_error", /./).details).toEqual([
      "option: required",
    ]);
    refused(await say(run, "choose", "ada", { option: "ship", values: {} }), 400, "validation_error", /has no form/);
    refused(await say(run, "choose", "eve", { option: "ship" }), 400, "approver_not_allowed", /eve is not allowed/);
    const { body } = await say(run, "choose", "bob", { option: "roll back", comment: "too slow" });
    expect(body.approval).toMatchObject({ status: "approved", option: "roll back", approved_by: "bob" });
    expect(body.step_run.output).toEqual({ option: "roll back", by: "bob" });
    expect(await on.ends(run)).toMatchObject({ status: "completed" });
    expect(await on.statuses(run)).toEqual({ gate: "completed", ship: "skipped", back: "completed" });
    expect(await shownOf(run)).toMatchObject({ option: "roll back", votes: [{ actor: "bob", option: "roll back" }] });
  });

  test("the first with enough votes wins; where votes are split, the gate stays open until someone thinks again", async () => {
    const run = await started({ approval_approvers: ["ada", "bob"], approval_options: OPTIONS, approvals_required: 2 });
    expect((await say(run, "choose", "ada", { option: "ship" })).body.approval.status).toBe("pending");
    expect((await say(run, "choose", "bob", { option: "hold" })).body.approval.status).toBe("pending");
    refused(await say(run, "choose", "bob", { option: "ship" }), 409, "conflict", "bob has already approved step gate");
    await say(run, "withdraw", "bob");
    expect((await say(run, "choose", "bob", { option: "ship" })).body.approval).toMatchObject({ option: "ship" });
    expect((await on.ends(run)).status).toBe("completed");
  });

  test("a rejection fails the step as ever, and a gate without options is not chosen", async () => {
    const run = await started({ approval_options: OPTIONS });
    expect((await say(run, "reject", "ada")).body.approval.status).toBe("rejected");
    expect((await on.ends(run)).status).toBe("failed");
    const plain = await started({});
    refused(
      await say(plain, "choose", "ada", { option: "ship" }),
      400,
      "invalid_state",
      "step gate has no options: approve or reject it",
    );
  });

  test("are decided in bulk, each for what was shown", async () => {
    const [one, two] = await Promise.all([
      started({ approval_options: OPTIONS }),
      started({ approval_options: OPTIONS }),
    ]);
    const { shown_hash } = await shownOf(one);
    const approvals = [
      { workflow_run_id: one.id, step_ref: "gate", shown_hash },
      { workflow_run_id: two.id, step_ref: "gate", step_attempt: 2 },
    ];
    const decide = (body: object) => stack.request<Decisions>("POST", "/v1/approvals/decide", { approvals, ...body });
    refused(await decide({ decision: "choose" }), 400, "validation_error", /./);
    refused(await decide({ decision: "reject", option: "hold" }), 400, "validation_error", /./);
    expect((await decide({ decision: "choose", option: "hold" })).body.results).toMatchObject([
      { status: "decided", approval: { option: "hold" } },
      { status: "refused", code: "conflict", error: "step gate is at attempt 1 now" },
    ]);
  });

  test("by hand, too", async () => {
    const run = await started({ approval_options: OPTIONS });
    const handle = stack.deps.temporal.workflow.getHandle(run.id);
    const forged = { option: "ship", by: "eve" };
    const signal = { actor: "ada", step_ref: "gate", option: "hold", result: { text: JSON.stringify(forged) } };
    await handle.signal(commandSignals.choose, signal);
    await on.ends(run);
    expect((await on.step(run, "gate")).output).toEqual({ option: "hold", by: "ada" });
  });
});

const FORM = {
  type: "object",
  properties: { amount: { type: "integer", maximum: 50 }, note: { type: "string" } },
  required: ["amount"],
  additionalProperties: false,
};

describe("a form", () => {
  test("takes values that fit it, and they are the output", async () => {
    const run = await started({ approval_form: FORM });
    expect(await shownOf(run)).toMatchObject({ form: FORM });
    for (const [values, message] of [
      [undefined, "values must have required property 'amount'"],
      [{ amount: 51 }, "values.amount must be <= 50"],
      [{ amount: 1, other: 1 }, 'values must NOT have additional properties: "other"'],
    ] as const) {
      const answer = refused(await say(run, "approve", "ada", { values }), 400, "validation_error", message);
      expect(answer.details).toEqual([message]);
    }
    const dry = { values: { amount: 51 } };
    const path = `/v1/workflow-runs/${run.id}/steps/gate/approve?dryRun=true`;
    expect((await stack.request("POST", path, dry)).status).toBe(400);
    expect((await stack.request("POST", path, { values: { amount: 1 } })).body).toMatchObject({ dry_run: true });
    const large = { amount: 1, note: "x".repeat(70_000) };
    refused(await say(run, "approve", "ada", { values: large }), 400, "validation_error", /larger than 65536 bytes/);
    const { body } = await say(run, "approve", "ada", { values: { amount: 40, note: "x".repeat(2_000) } });
    expect(body.step_run.output).toEqual({ amount: 40, note: "x".repeat(2_000) });
  });

  test("with options, and of several approvers: each vote shows what it would put out", async () => {
    const run = await started({ approval_form: FORM, approval_options: OPTIONS, approvals_required: 2 });
    // Without values, which would not fit either.
    refused(await say(run, "approve", "ada"), 400, "invalid_state", /has options: choose one of ship, hold/);
    const { details } = refused(await say(run, "choose", "ada", { option: "no" }), 400, "validation_error", /./);
    expect(details).toEqual(["option must be one of ship, hold, roll back"]);
    const values = { amount: 3, note: "y".repeat(2_000) };
    const first = await say(run, "choose", "ada", { option: "ship", values });
    expect(first.body.approval.votes).toMatchObject([{ output: { option: "ship", by: "ada", values } }]);
    const { body } = await say(run, "choose", "bob", { option: "ship", values: { amount: 4 } });
    expect(body.step_run.output).toEqual({ option: "ship", by: "bob", values: { amount: 4 } });
    expect((await on.ends(run)).status).toBe("completed");
    expect(await on.statuses(run)).toMatchObject({ ship: "completed", back: "skipped" });
  });

  test("an event sent to its key gives the values, and they have to fit", async () => {
    const run = await started({ approval_form: FORM });
    expect((await on.send(`approval:${run.id}:gate`, { amount: "many" })).status).toBe(400);
    expect((await on.send(`approval:${run.id}:gate`, { amount: 5 })).status).toBe(200);
    expect((await on.step(run, "gate")).output).toEqual({ amount: 5 });
  });

  test("takes no values by hand that nobody says to have checked", async () => {
    const run = await started({ approval_form: FORM });
    const handle = stack.deps.temporal.workflow.getHandle(run.id);
    const outcome = (id: string) =>
      until(async () => {
        const { status, body } = await stack.request<object>("GET", `/v1/workflow-runs/${run.id}/commands/${id}`);
        return status === 200 && body;
      });
    const signal = { actor: "ada", step_ref: "gate", result: { text: '{"amount":"many"}' } };
    await handle.signal(commandSignals.approve, { ...signal, id: "unchecked" });
    expect(await outcome("unchecked")).toMatchObject({ status: "refused", code: "invalid_state" });
    await handle.signal(commandSignals.approve, { ...signal, id: "other", form_hash: "another" });
    expect(await outcome("other")).toMatchObject({ status: "refused", code: "conflict" });
    const form_hash = formHash((await shownOf(run)).shown_hash);
    await handle.signal(commandSignals.approve, { ...signal, id: "checked", form_hash });
    expect(await outcome("checked")).toMatchObject({ status: "applied" });
  });
});

describe("what a decision is about", () => {
  test("is refused where the gate is another one by now, which says what has changed", async () => {
    const run = await started({ approval_title: "{{payload.title}}", approval_text: "same" }, { title: "one" });
    const { shown_hash } = await shownOf(run);
    await say(run, "reject", "ada", { shown_hash, step_attempt: 1 });
    await on.ends(run);
    await on.steer(run, "retry", "gate", { payload: { title: "two" } });
    await on.opens(run, "gate");
    for (const verb of ["approve", "reject"]) {
      const stale = refused(await say(run, verb, "ada", { shown_hash }), 409, "conflict", /shows another title$/);
      expect(stale.details).toEqual(["step_attempt: 2, not 1", "title: has changed"]);
      const old = refused(
        await say(run, verb, "ada", { step_attempt: 1 }),
        409,
        "conflict",
        "step gate is at attempt 2 now",
      );
      expect(old.details).toEqual(["step_attempt: 2, not 1"]);
    }
    expect((await shownOf(run)).votes).toBeUndefined();
    const now = await shownOf(run);
    const path = `/v1/workflow-runs/${run.id}/steps/gate/approve?dryRun=true`;
    expect((await stack.request("POST", path, { shown_hash })).status).toBe(409);
    const body = { shown_hash: now.shown_hash, step_attempt: 2 };
    expect((await say(run, "approve", "ada", body)).body.approval.status).toBe("approved");
  });

  test("of those who decide at once one does, and each of the others is told who did, and when", async () => {
    const people = Array.from({ length: 10 }, (_, n) => `approver-${n}`);
    const run = await started({ approval_approvers: people, approval_options: OPTIONS });
    const { shown_hash } = await shownOf(run);
    const answers = await Promise.all(
      people.map((who, n) => say(run, "choose", who, { option: OPTIONS[n % 3], shown_hash })),
    );
    const [winner, ...more] = answers.filter(({ status }) => status === 200);
    expect(more).toEqual([]);
    const { approved_by, approved_at, option } = (winner as (typeof answers)[number]).body.approval;
    const told = `decided as "${option}" by ${approved_by} at ${approved_at}`;
    for (const answer of answers)
      if (answer !== winner) expect(refused(answer, 409, "conflict", `step gate was ${told}`).details).toEqual([told]);
    const plain = await started({});
    const { approved_at: at } = (await say(plain, "approve", "ada")).body.approval;
    const late = refused(
      await say(plain, "approve", "bob"),
      400,
      "invalid_state",
      "step gate is already in terminal state",
    );
    expect(late.details).toEqual([`approved by ada at ${at}`]);
    refused(
      await say(plain, "reject", "bob", { step_attempt: 1 }),
      409,
      "conflict",
      `step gate was approved by ada at ${at}`,
    );
  });
});

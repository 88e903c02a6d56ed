import { v7 as uuid } from "uuid";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { BulkPlan } from "../../../src/contract/bulk/operations.ts";
import type { WorkflowRun } from "../../../src/contract/runs.ts";
import type { Workflow } from "../../../src/contract/workflows.ts";
import {
  createJob,
  createWorkflow,
  gate,
  getRun,
  getStep,
  getSteps,
  ok,
  opens,
  reaches,
  work,
} from "../definitions.ts";
import { refused } from "../shapes.ts";
import { type Stack, startStack } from "../../stack/harness.ts";
import { ids, operationsOn, PATH } from "./operations.ts";

let stack: Stack;
let workflow: Workflow;
beforeAll(async () => {
  stack = await startStack();
  workflow = await createWorkflow(stack, [gate("gate")]);
});
afterAll(() => stack.stop());
const { create, items, ended, started, statuses } = operationsOn(
  () => stack,
  () => workflow,
);

const OPERATOR = ["workflows:read", "workflows:write", "workflows:trigger"];
const eve = (...scopes: string[]) => ({ token: stack.token({ sub: "eve", scopes: [...OPERATOR, ...scopes] }) });
const plan = (body: object, options?: { token: string }) =>
  ok<BulkPlan>(stack, "POST", `${PATH}?dryRun=true`, body, options);

async function atGate(count: number, of = workflow): Promise<WorkflowRun[]> {
  const runs = await started(count, of);
  await Promise.all(runs.map((run) => opens(stack, run, "gate")));
  return runs;
}
const refusedFor = (runs: WorkflowRun[], code: string, error: string) =>
  runs.map(({ id }) => ({ workflow_run_id: id, code, error }));

describe("retry in place", () => {
  test("runs again what failed of each run, after a plan that says so; what was completed is not made again", async () => {
    let isUp = false;
    const answer = () => (isUp ? { body: { ok: true } } : { status: 400, body: "no stock" });
    for (const path of ["/left", "/right"]) stack.jobs.on(path, answer);
    const [kept, left, right] = await Promise.all(["/kept", "/left", "/right"].map((path) => createJob(stack, path)));
    if (!kept || !left || !right) throw new Error("no jobs");
    const steps = [
      work("kept", kept),
      work("left", left, { depends_on: ["kept"], on_failure: "continue" }),
      work("right", right, { depends_on: ["left"] }),
      work("last", kept, { depends_on: ["right"] }),
    ];
    const own = await createWorkflow(stack, steps);
    const runs = await started(3, own);
    for (const run of runs) await reaches(stack, run, "failed");
    isUp = true;
    const other = await createWorkflow(stack, [work("kept", kept)]);
    const [done] = (await started(1, other)) as [WorkflowRun];
    await reaches(stack, done, "completed");

    const filter = { workflow_id: own.id, status: ["failed", "timed_out"], is_retried: false, error_contains: "STOCK" };
    const asked = { operation: "retry", filter, reason: "stock is back" };
    expect(await plan(asked)).toMatchObject({ total: 3, refused: [] });
    const [one, unknown] = [runs[0]?.id ?? "", uuid()];
    expect((await plan({ operation: "retry", ids: [one, done.id, unknown] })).runs).toEqual([
      { workflow_run_id: one, outcome: "applies" },
      {
        workflow_run_id: done.id,
        outcome: "skipped",
        reason: "workflow run is completed",
      },
      { workflow_run_id: unknown, outcome: "refused", code: "not_found", reason: "workflow run not found" },
    ]);
    expect((await plan({ operation: "resume", ids: [done.id] })).runs).toMatchObject([{ outcome: "refused" }]);
    expect(new Set(await statuses(runs))).toEqual(new Set(["failed"]));
    const operation = await create(asked);
    expect(operation).toMatchObject({ operation: "retry", filter });
    expect(await ended(operation)).toMatchObject({ progress: { total: 3, applied: 3 } });
    for (const run of runs) {
      await reaches(stack, run, "completed");
      const attempts = (await getSteps(stack, run)).map(({ step_ref, status, attempt }) => [step_ref, status, attempt]);
      expect(attempts).toEqual([
        ["kept", "completed", 1],
        ["left", "completed", 2],
        ["right", "completed", 2],
        ["last", "completed", 1],
      ]);
      expect((await getRun(stack, run)).retried_by_run_id).toBeUndefined();
    }
    const nothing = await create({ operation: "retry", ids: ids([done, ...runs]) });
    expect(await ended(nothing)).toMatchObject({ progress: { skipped: 4 } });
  });

  test("goes on where the end of a run canceled it, and with the one step that is named", async () => {
    const job = await createJob(stack, "/after");
    const own = await createWorkflow(stack, [gate("gate"), work("after", job, { depends_on: ["gate"] })]);
    const [run, another] = (await atGate(2, own)) as [WorkflowRun, WorkflowRun];
    await ok(stack, "DELETE", `/v1/workflow-runs/${run.id}`);
    await reaches(stack, run, "canceled");
    await ended(await create({ operation: "retry", ids: [run.id] }));
    await opens(stack, run, "gate");
    const named = { operation: "retry", step_ref: "gate", ids: ids([run, another]) };
    const words = "step run must be terminal to retry";
    expect(await plan(named)).toMatchObject({ total: 2, refused: refusedFor([run, another], "invalid_state", words) });
  });
});

describe("approve, reject and skip", () => {
  test("approve and reject the gate that waits, as the one who asked, in each run", async () => {
    const [first, second, third] = (await atGate(3)) as [WorkflowRun, WorkflowRun, WorkflowRun];
    const approve = await create({ operation: "approve", ids: ids([first, second]) });
    expect(await ended(approve)).toMatchObject({ progress: { applied: 2 } });
    const reject = await create({ operation: "reject", step_ref: "gate", ids: ids([third]), reason: "not today" });
    expect(reject).toMatchObject({ step_ref: "gate" });
    expect(await ended(reject)).toMatchObject({ progress: { applied: 1 } });
    expect(await statuses([first, second, third])).toEqual(["completed", "completed", "failed"]);
    const { rows } = await stack.deps.db.query("select approved_by from approvals where run_id = $1", [first.id]);
    expect(rows).toEqual([{ approved_by: "ada" }]);

    const again = { operation: "approve", ids: ids([first]) };
    const words = "no step waits for an approval";
    expect(await plan(again)).toMatchObject({ total: 1, refused: refusedFor([first], "invalid_state", words) });
    const late = await create(again);
    await ended(late);
    expect(await items(late)).toMatchObject([{ status: "failed", code: "invalid_state", error: words }]);
  });

  test("do not choose among several gates", async () => {
    const two = await createWorkflow(stack, [gate("gate"), gate("other")]);
    const runs = await atGate(1, two);
    for (const run of runs) await opens(stack, run, "other");
    const operation = await create({ operation: "approve", ids: ids(runs) });
    await ended(operation);
    const error = "several steps wait for an approval: gate, other";
    expect(await items(operation)).toMatchObject([{ status: "failed", error }]);
  });

  test("of someone who is no approver change nothing, and say so run by run", async () => {
    const runs = await atGate(3);
    for (const [operation, code, error] of [
      ["approve", "approver_not_allowed", "approver eve is not allowed for step gate"],
      ["reject", "approver_not_allowed", "approver eve is not allowed for step gate"],
      ["skip", "forbidden", "insufficient permissions: requires approvals:override"],
    ] as const) {
      const asked = { operation, step_ref: "gate", ids: ids(runs) };
      expect(await plan(asked, eve())).toMatchObject({ total: 3, refused: refusedFor(runs, code, error) });
      const made = await create(asked, eve());
      expect(await ended(made)).toMatchObject({ progress: { failed: 3, applied: 0 } });
      expect(await items(made)).toMatchObject(
        ids(runs).map((workflow_run_id) => ({ workflow_run_id, status: "failed", code, error })),
      );
    }
    for (const run of runs) expect(await getStep(stack, run, "gate")).toMatchObject({ status: "waiting", attempt: 1 });
    // Who may override may skip, and still not approve.
    const may = eve("approvals:override");
    const approve = await create({ operation: "approve", ids: ids(runs) }, may);
    expect(await ended(approve)).toMatchObject({ progress: { failed: 3 } });
    const skip = await create({ operation: "skip", step_ref: "gate", ids: ids(runs), reason: "ops is away" }, may);
    expect(await ended(skip)).toMatchObject({ progress: { applied: 3 } });
    for (const run of runs) await reaches(stack, run, "completed");
  });

  test("count the groups of the one who asked", async () => {
    const runs = await atGate(
      2,
      await createWorkflow(stack, [gate("gate", { approval_approvers: ["group:finance"] })]),
    );
    const asked = { operation: "approve", ids: ids(runs) };
    const fay = { token: stack.token({ sub: "fay", scopes: OPERATOR, groups: ["finance"] }) };
    expect((await plan(asked, eve())).refused).toHaveLength(2);
    expect((await plan(asked, fay)).refused).toEqual([]);
    expect(await ended(await create(asked, fay))).toMatchObject({ progress: { applied: 2 } });
    expect(await statuses(runs)).toEqual(["completed", "completed"]);
  });

  test("of another project's runs, and of unknown ones, are not found", async () => {
    const [run] = (await atGate(1)) as [WorkflowRun];
    const other = { token: stack.token({ sub: "ada", projects: ["other"] }) };
    const named = [run.id, uuid()];
    const missing = named.map((id) => ({ id }) as WorkflowRun);
    const asked = { operation: "approve", ids: named };
    const seen = await plan(asked, other);
    expect(seen.refused).toEqual(refusedFor(missing, "not_found", "workflow run not found"));
    expect(await plan({ operation: "approve", filter: { waiting_longer_than_secs: 0 } }, other)).toMatchObject({
      total: 0,
    });
    expect(await getStep(stack, run, "gate")).toMatchObject({ status: "waiting" });
    const reader = { token: stack.token({ scopes: ["workflows:read"] }) };
    refused(await stack.request("POST", PATH, asked, reader), 403, "forbidden", /workflows:write/);
  });
});

test("a plan of cancel, replay, pause and resume names those that would refuse, and not those that are so already", async () => {
  const [open, canceled] = (await atGate(2)) as [WorkflowRun, WorkflowRun];
  await ok(stack, "DELETE", `/v1/workflow-runs/${canceled.id}`);
  await reaches(stack, canceled, "canceled");
  const both = ids([open, canceled]);
  const refusedIn = async (operation: string) =>
    (await plan({ operation, ids: both })).refused.map(({ workflow_run_id, code }) => [workflow_run_id, code]);
  expect(await refusedIn("cancel")).toEqual([]);
  expect(await refusedIn("replay")).toEqual([[open.id, "invalid_state"]]);
  expect(await refusedIn("pause")).toEqual([[canceled.id, "invalid_state"]]);
  expect(await refusedIn("resume")).toEqual([[canceled.id, "invalid_state"]]);
});

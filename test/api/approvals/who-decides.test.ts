import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Approval, StepRun, WorkflowRun } from "../../../src/contract/runs.ts";
import { type Stack, startStack } from "../../stack/harness.ts";
import { scenarioOn } from "../../stack/scenario.ts";
import { commandSignals } from "../../../workflows/messages.ts";
import { until } from "../../stack/until.ts";

let stack: Stack;
let on: ReturnType<typeof scenarioOn>;
beforeAll(async () => {
  stack = await startStack();
  on = scenarioOn(stack);
});
afterAll(() => stack.stop());

/** Without the right to override. */
const SCOPES = ["workflows:read", "workflows:write", "workflows:trigger"];
const as = (sub: string, groups?: string[], scopes = SCOPES) => ({ token: stack.token({ sub, groups, scopes }) });

type Decided = { step_run: StepRun; approval: Approval; error?: string };
const say = (run: WorkflowRun, verb: string, who: string, groups?: string[], body: object = {}) =>
  on.steer<Decided>(run, verb, "gate", body as never, as(who, groups));

async function gated(gate: object, starter = "starter"): Promise<WorkflowRun> {
  const workflow = await on.workflow([
    { step_ref: "gate", step_type: "approval", ...gate },
    { step_ref: "after", calls: "/after", depends_on: ["gate"] },
  ]);
  const { body } = await stack.request<WorkflowRun>(
    "POST",
    `/v1/workflows/${workflow.id}/trigger`,
    {},
    { token: stack.token({ sub: starter, scopes: ["*"] }) },
  );
  await on.opens(body, "gate");
  return body;
}

describe("a gate of several", () => {
  test("opens with as many as it needs, one voice each, and says who", async () => {
    const run = await gated({ approval_approvers: ["ada", "bob", "cleo"], approvals_required: 2 });
    const first = await say(run, "approve", "ada", [], { comment: "looks right" });
    expect(first).toMatchObject({
      status: 200,
      body: {
        step_run: { status: "waiting" },
        approval: {
          status: "pending",
          required: 2,
          votes: [{ actor: "ada", decision: "approve", comment: "looks right" }],
        },
      },
    });
    expect(await say(run, "approve", "ada")).toMatchObject({
      status: 409,
      body: { error: "ada has already approved step gate" },
    });
    expect(await say(run, "reject", "ada")).toMatchObject({ status: 409 });
    expect(await say(run, "approve", "eve")).toMatchObject({ status: 400, body: { code: "approver_not_allowed" } });
    const { approval } = (await say(run, "approve", "cleo")).body;
    expect(approval).toMatchObject({ status: "approved", approved_by: "cleo" });
    expect(approval.votes?.map(({ actor }) => actor)).toEqual(["ada", "cleo"]);
    expect(await on.ends(run)).toMatchObject({ status: "completed" });
  });

  test("takes a vote back until it is decided", async () => {
    const run = await gated({ approval_approvers: ["ada", "bob"], approvals_required: 2 });
    expect((await say(run, "withdraw", "ada")).status).toBe(409);
    await say(run, "approve", "ada");
    expect((await say(run, "withdraw", "ada")).body.approval.votes).toBeUndefined();
    await say(run, "approve", "bob");
    expect(await on.step(run, "gate")).toMatchObject({ status: "waiting" });
    expect((await say(run, "approve", "ada")).body.approval.status).toBe("approved");
    expect((await say(run, "withdraw", "ada")).status).toBe(400);
  });

  test("is rejected by the first no, or by a majority where it says so", async () => {
    const first = await gated({ approval_approvers: ["ada", "bob", "cleo"], approvals_required: 2 });
    expect((await say(first, "reject", "bob", [], { reason: "no" })).body.approval.status).toBe("rejected");
    const most = await gated({
      ...{ approval_approvers: ["ada", "bob", "cleo"], approvals_required: 1, approval_reject: "majority" },
    });
    expect((await say(most, "reject", "bob")).body.approval.status).toBe("pending");
    expect((await say(most, "reject", "cleo")).body.approval.status).toBe("rejected");
    expect(await on.ends(most)).toMatchObject({ status: "failed", error: "approval rejected by cleo" });
  });

  test("is not passed over by one of them alone, but by the right to override", async () => {
    const run = await gated({ approval_approvers: ["ada", "bob"], approvals_required: 2 });
    for (const verb of ["skip", "force-complete"]) expect((await say(run, verb, "ada")).status).toBe(403);
    const override = as("ada", [], ["workflows:write", "approvals:override"]);
    expect((await on.steer(run, "skip", "gate", {}, override)).status).toBe(200);
  });
});

describe("a group", () => {
  test("decides by the groups of the token, and nobody by being called like it", async () => {
    const run = await gated({ approval_approvers: ["group:finance"] });
    expect((await say(run, "approve", "eve", ["ops"])).status).toBe(400);
    expect((await say(run, "approve", "group:finance")).status).toBe(400);
    expect((await say(run, "skip", "group:finance")).status).toBe(403);
    const { body } = await say(run, "approve", "fay", ["ops", "finance"]);
    expect(body.approval).toMatchObject({ status: "approved", votes: [{ actor: "fay", as: "group:finance" }] });
  });
});

describe("four eyes", () => {
  const SECOND = { approval_approvers: ["ada", "bob"], approval_exclude: ["created_by"] };

  test("whoever started the run decides nothing, by no way", async () => {
    const run = await gated(SECOND, "ada");
    const all = { token: stack.token({ sub: "ada", scopes: ["*"] }) };
    const own = await on.steer(run, "approve", "gate", {}, all);
    expect(own).toMatchObject({
      status: 400,
      body: { error: "approver ada is not allowed for step gate: they started the run" },
    });
    for (const verb of ["reject", "skip", "force-complete"])
      expect((await on.steer(run, verb, "gate", {}, all)).status).toBeGreaterThan(399);
    const key = encodeURIComponent(`approval:${run.id}:gate`);
    expect((await stack.request("POST", `/v1/events/${key}/send`, {}, all)).status).toBe(400);
    const decide = { decision: "approve", approvals: [{ workflow_run_id: run.id, step_ref: "gate" }] };
    expect((await stack.request("POST", "/v1/approvals/decide", decide, all)).body).toMatchObject({
      results: [{ status: "refused", code: "approver_not_allowed" }],
    });
    const handle = stack.deps.temporal.workflow.getHandle(run.id);
    await handle.signal(commandSignals.approve, { actor: "ada", step_ref: "gate", id: "by hand", may_override: true });
    await handle.signal(commandSignals.skip, { actor: "ada", step_ref: "gate", id: "by hand too", may_override: true });
    await until(async () => (await stack.request("GET", `/v1/workflow-runs/${run.id}/commands/by%20hand%20too`)).body);
    expect(await on.step(run, "gate")).toMatchObject({ status: "waiting" });
    const leftOut = { step_overrides: [{ step_ref: "gate", enabled: false }] };
    expect((await stack.request("POST", `/v1/workflows/${run.workflow_id}/trigger`, leftOut, all)).status).toBe(403);
    expect((await say(run, "approve", "bob")).status).toBe(200);
    expect(stack.jobs.callsTo("/after").length).toBeGreaterThan(0);
  });

  test("whoever retries a run has started the new one, and decides nothing in it, nor does who started the first", async () => {
    const run = await gated(SECOND, "starter");
    await stack.request("DELETE", `/v1/workflow-runs/${run.id}`);
    const again = await stack.request<WorkflowRun>("POST", `/v1/workflow-runs/${run.id}/retry`, {}, as("bob"));
    await on.opens(again.body, "gate");
    expect(await say(again.body, "approve", "bob")).toMatchObject({
      body: { error: "approver bob is not allowed for step gate: they started the run" },
    });
    const inbox = async (who: string) =>
      (
        await stack.request<object[]>(
          "GET",
          `/v1/approvals?mine=true&status=pending&workflow_id=${run.workflow_id}`,
          undefined,
          as(who),
        )
      ).body;
    expect(await inbox("bob")).toEqual([]);
    expect(await inbox("ada")).toHaveLength(1);
    expect((await say(again.body, "approve", "ada")).body.approval.status).toBe("approved");
  });

  test("whoever approved an earlier gate does not approve the next, also in the retry of the run", async () => {
    const people = ["ada", "bob"];
    const workflow = await on.workflow([
      { step_ref: "first", step_type: "approval", approval_approvers: people },
      {
        ...{ step_ref: "gate", step_type: "approval", depends_on: ["first"], approval_approvers: people },
        approval_exclude: ["previous_approvers"],
      },
    ]);
    const run = await on.trigger(workflow);
    await on.opens(run, "first");
    await on.steer(run, "approve", "first", {}, as("ada"));
    await on.opens(run, "gate");
    expect((await say(run, "approve", "ada")).body.error).toBe(
      "approver ada is not allowed for step gate: they approved another gate of the run",
    );
    await say(run, "reject", "bob");
    await on.ends(run);
    const again = (await stack.request<WorkflowRun>("POST", `/v1/workflow-runs/${run.id}/retry`)).body;
    await on.opens(again, "gate");
    expect((await say(again, "approve", "ada")).status).toBe(400);
    expect((await say(again, "approve", "bob")).body.approval.status).toBe("approved");
  });
});

describe("a gate that nobody decides in time", () => {
  test.each([
    ["fail", "failed", "failed"],
    ["reject", "failed", "failed"],
    ["approve", "completed", "completed"],
    ["skip", "skipped", "completed"],
  ])("ends as its definition says: %s", async (approval_on_timeout, step, status) => {
    const timing = { approval_timeout_secs: 1, approval_on_timeout };
    const run = await gated({ approval_approvers: ["ada"], ...timing });
    expect(await on.ends(run)).toMatchObject({ status });
    expect(await on.step(run, "gate")).toMatchObject({ status: step });
  });
});

test("what is said on a gate without deciding it is kept, over a reset too", async () => {
  const run = await gated({ approval_approvers: ["ada"] });
  const { body } = await say(run, "comment", "eve", [], { comment: "what about the tests?" });
  expect(body.approval).toMatchObject({
    status: "pending",
    comments: [{ actor: "eve", comment: "what about the tests?" }],
  });
  await say(run, "reject", "ada");
  await on.ends(run);
  await on.steer(run, "retry", "gate");
  await on.opens(run, "gate");
  const attempts = await stack.request("GET", `/v1/workflow-runs/${run.id}/steps/gate/attempts`);
  expect(attempts.body).toMatchObject([
    { approval: { status: "rejected", approved_by: "ada", comments: [{ actor: "eve" }] } },
    { approval: { status: "pending" } },
  ]);
});

test.each([
  [{ approvals_required: 3 }, "steps[0].approvals_required"],
  [{ approvals_required: 0 }, "steps[0].approvals_required"],
  [{ approval_reject: "some" }, "steps[0].approval_reject"],
  [{ approval_exclude: ["me"] }, "steps[0].approval_exclude[0]"],
  [{ approval_on_timeout: "approve" }, "steps[0].approval_on_timeout"],
  [{ approval_approvers: ["group:"] }, "steps[0].approval_approvers"],
])("a definition with %j is refused", async (wrong, field) => {
  const step = { step_ref: "gate", step_type: "approval", approval_approvers: ["ada", "bob"], ...wrong };
  const body = { project_id: "demo", name: "wrong", slug: `wrong-${field.length}`, steps: [step] };
  const answer = await stack.request<{ details: string[] }>("POST", "/v1/workflows", body);
  expect(answer.status).toBe(400);
  expect(answer.body.details.join()).toContain(field);
});

test("who leaves a gate out of a run has approved it there", async () => {
  const workflow = await on.workflow([
    { step_ref: "first", step_type: "approval", approval_approvers: ["dan"] },
    {
      ...{ step_ref: "gate", step_type: "approval", depends_on: ["first"] },
      approval_approvers: ["dan", "eve"],
      approval_exclude: ["previous_approvers"],
    },
  ]);
  const { body: run } = await stack.request<WorkflowRun>(
    "POST",
    `/v1/workflows/${workflow.id}/trigger`,
    { step_overrides: [{ step_ref: "first", enabled: false }] },
    as("dan"),
  );
  await on.opens(run, "gate");
  expect(await say(run, "approve", "dan")).toMatchObject({ status: 400, body: { code: "approver_not_allowed" } });
  expect(await say(run, "approve", "eve")).toMatchObject({ status: 200 });
});

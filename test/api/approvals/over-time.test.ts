import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { ListedApproval } from "../../../src/contract/approvals.ts";
import type { Decision } from "../../../src/contract/inspection.ts";
import type { Approval, Attempt, StepRun, WorkflowRun } from "../../../src/contract/runs.ts";
import { type Stack, startStack } from "../../stack/harness.ts";
import { scenarioOn } from "../../stack/scenario.ts";
import { until } from "../../stack/until.ts";
import { commandSignals } from "../../../workflows/messages.ts";

let stack: Stack;
let on: ReturnType<typeof scenarioOn>;
beforeAll(async () => {
  stack = await startStack();
  on = scenarioOn(stack);
});
afterAll(() => stack.stop());

const as = (sub: string, scopes = ["approvals:decide"]) => ({ token: stack.token({ sub, scopes }) });
type Changed = { step_run: StepRun; approval: Approval; error: string; code: string; details?: string[] };
const say = (run: WorkflowRun, verb: string, who: string, body: object = {}, scopes?: string[]) =>
  on.steer<Changed>(run, verb, "gate", body as never, as(who, scopes));
const soon = (secs: number) => new Date(Date.now() + secs * 1000).toISOString();

async function gated(gate: object): Promise<WorkflowRun> {
  const run = await on.start([
    { step_ref: "gate", step_type: "approval", approval_approvers: ["ada", "bob"], ...gate },
    { step_ref: "after", calls: "/after", depends_on: ["gate"] },
  ]);
  await on.opens(run, "gate");
  return run;
}

/** What waits for somebody, of this run. */
async function waitsFor(run: WorkflowRun, who: string): Promise<ListedApproval | undefined> {
  const path = "/v1/approvals?mine=true&status=pending&limit=100";
  const { body } = await stack.request<ListedApproval[]>("GET", path, undefined, as(who));
  return body.find(({ workflow_run_id }) => workflow_run_id === run.id);
}

/** Why the gate waits, and why it did before. */
async function waits(run: WorkflowRun): Promise<string[]> {
  const { body } = await stack.request<{ data: Decision[] }>(
    "GET",
    `/v1/workflow-runs/${run.id}/explain?step_ref=gate`,
  );
  return body.data.map(({ explanation }) => explanation);
}

describe("a gate that nobody decides", () => {
  test("escalates: it is somebody else's too, who is shown it and decides it", async () => {
    const run = await gated({ approval_escalation: [{ after_secs: 1, approvers: ["boss"] }] });
    const { escalated_at, ...found } = await until(() => waitsFor(run, "boss"));
    expect(found).toMatchObject({ approvers: ["ada", "bob", "boss"], escalation_level: 1 });
    expect(Date.parse(escalated_at ?? "") - Date.parse(found.requested_at)).toBeGreaterThanOrEqual(1000);
    expect(await waitsFor(run, "ada")).toMatchObject({ escalation_level: 1 });
    expect(await waits(run)).toEqual(["approval of ada, bob, boss, escalated once", "approval of ada, bob"]);
    expect((await say(run, "approve", "boss")).body.approval).toMatchObject({
      status: "approved",
      approved_by: "boss",
      escalation_level: 1,
    });
    expect(await on.ends(run)).toMatchObject({ status: "completed" });
  });

  test("stays open beyond its deadline where that says escalate", async () => {
    const run = await gated({
      approval_timeout_secs: 1,
      approval_on_timeout: "escalate",
      approval_escalation: [{ after_secs: 1, approvers: ["boss"] }],
    });
    expect(await until(() => waitsFor(run, "boss"))).toMatchObject({ escalation_level: 1, status: "pending" });
    const { body } = await say(run, "extend", "boss", { until: soon(2) });
    expect(body.approval.extensions).toMatchObject([{ actor: "boss" }]);
    expect((await say(run, "approve", "ada")).status).toBe(200);
  });
});

describe("reassign", () => {
  test("moves the gate to others, in the inbox and in what is told of it, once", async () => {
    const run = await gated({});
    const body = { approvers: ["cleo", "group:audit"], reason: "ada is away" };
    const planned = await stack.request(
      "POST",
      `/v1/workflow-runs/${run.id}/steps/gate/reassign?dryRun=true`,
      body,
      as("ada"),
    );
    expect(planned).toMatchObject({ status: 200, body: { dry_run: true, steps: [{ step_ref: "gate" }, {}] } });
    expect(await waitsFor(run, "cleo")).toBeUndefined();

    const keyed = { ...as("ada"), headers: { "idempotency-key": `reassign ${run.id}` } };
    const path = `/v1/workflow-runs/${run.id}/steps/gate/reassign`;
    const [first, again] = [
      await stack.request<Changed>("POST", path, body, keyed),
      await stack.request<Changed>("POST", path, body, keyed),
    ];
    expect(first.body.approval).toMatchObject({
      status: "pending",
      approvers: body.approvers,
      reassignments: [{ actor: "ada", ...body }],
    });
    expect([again.status, again.body]).toEqual([200, first.body]);
    expect(await stack.request("POST", path, { approvers: ["dan"] }, keyed)).toMatchObject({ status: 409 });

    expect(await waitsFor(run, "ada")).toBeUndefined();
    expect(await waitsFor(run, "cleo")).toMatchObject({ reassignments: [{ reason: "ada is away" }] });
    expect((await waits(run))[0]).toBe("approval of cleo, group:audit");
    expect((await say(run, "approve", "ada")).body).toMatchObject({ code: "approver_not_allowed" });
    expect((await say(run, "reassign", "ada", { approvers: ["ada"] })).status).toBe(403);
    expect((await say(run, "approve", "cleo")).status).toBe(200);
  });

  test.each<[object, string]>([
    [{}, "approvers"],
    [{ approvers: [] }, "approvers"],
    [{ approvers: [""] }, "approvers[0]"],
    [{ approvers: "bob" }, "approvers"],
    [{ approvers: ["bob"], until: soon(9) }, "until"],
    [{ approvers: ["group:"] }, "approvers must name the group"],
  ])("with %j is a 400", async (body, field) => {
    const { status, body: answer } = await say(await gated({}), "reassign", "ada", body);
    expect(status).toBe(400);
    expect(JSON.stringify(answer)).toContain(field);
  });

  test("is no way around four eyes, nor around the number of approvals", async () => {
    const own = await gated({ approval_exclude: ["created_by"], approval_approvers: ["ada", "bob"] });
    expect((await say(own, "reassign", "ada", { approvers: ["friend"] }, ["*"])).body).toMatchObject({
      code: "forbidden",
      error: "ada may not reassign step gate: they started the run",
    });
    const several = await gated({ approvals_required: 2 });
    expect((await say(several, "reassign", "bob", { approvers: ["friend", "other"] })).status).toBe(403);
    const all = ["workflows:write", "approvals:override"];
    expect((await say(several, "reassign", "root", { approvers: ["cleo"] }, all)).body).toMatchObject({
      code: "validation_error",
      error: "approvers: 2 have to approve, and of these 1 may",
    });
    expect((await say(several, "reassign", "bob", { approvers: ["ada", "cleo"] })).status).toBe(200);
  });
});

describe("extend", () => {
  test("moves the deadline, in the inbox too", async () => {
    const run = await gated({ approval_timeout_secs: 3600 });
    const until = soon(86_400);
    const { status, body } = await say(run, "extend", "bob", { until, reason: "holidays" });
    expect({ status, body }).toMatchObject({
      status: 200,
      body: {
        step_run: { status: "waiting" },
        approval: { extensions: [{ actor: "bob", reason: "holidays" }] },
      },
    });
    expect(Date.parse(body.approval.expires_at ?? "")).toBe(Date.parse(until));
    expect(await waitsFor(run, "ada")).toMatchObject({ expires_at: body.approval.expires_at });
    expect((await waits(run))[0]).toBe(`approval of ada, bob until ${body.approval.expires_at}`);
    expect((await on.timers(run)).at(-1)).toBeGreaterThan(86_000);
    expect((await say(run, "approve", "ada")).status).toBe(200);
  });

  test.each<[object, object, number, string]>([
    [{ approval_timeout_secs: 3600 }, {}, 400, "until: required"],
    [{ approval_timeout_secs: 3600 }, { until: "tomorrow" }, 400, "until: must be a valid RFC3339 timestamp"],
    [{ approval_timeout_secs: 3600 }, { until: "2020-01-01T00:00:00Z" }, 400, "until must be in the future"],
    [{ approval_timeout_secs: 3600 }, { until: soon(60) }, 400, "until must be later than the deadline"],
    [{}, { until: soon(60) }, 400, "step gate has no deadline"],
  ])("of a gate with %j by %j is refused", async (gate, body, status, message) => {
    const answer = await say(await gated(gate), "extend", "ada", body);
    expect(answer.status).toBe(status);
    expect(JSON.stringify(answer.body)).toContain(message);
  });

  test("is refused to others, and once it is decided", async () => {
    const run = await gated({ approval_timeout_secs: 3600 });
    expect((await say(run, "extend", "eve", { until: soon(9999) })).status).toBe(403);
    await say(run, "approve", "ada");
    expect((await say(run, "extend", "ada", { until: soon(9999) })).body.error).toContain("terminal state");
  });
});

test("both can be signalled by hand, in RFC 3339, and what makes no sense is refused", async () => {
  const run = await gated({ approval_timeout_secs: 3600 });
  const handle = stack.deps.temporal.workflow.getHandle(run.id);
  const hand = { actor: "ada", step_ref: "gate" };
  await handle.signal(commandSignals.extend, { ...hand, until: "31.12.2030" });
  await handle.signal(commandSignals.extend, { ...hand, until: "2030-12-31T00:00:00+01:00" });
  await handle.signal(commandSignals.reassign, { ...hand, approvers: [7, "cleo"] as string[] });
  await handle.signal(commandSignals.reassign, { actor: "cleo", step_ref: "gate", id: "last" });
  await until(async () => (await stack.request("GET", `/v1/workflow-runs/${run.id}/commands/last`)).status === 200);
  expect(await waitsFor(run, "cleo")).toMatchObject({
    expires_at: "2030-12-30T23:00:00Z",
    extensions: [{ until: "2030-12-30T23:00:00Z" }],
    reassignments: [{ approvers: ["cleo"] }],
  });
});

test("a run whose history is gone opens again: what became of its gate is read still, and a new attempt begins anew", async () => {
  const run = await gated({
    approval_timeout_secs: 3600,
    approvals_required: 2,
    approval_escalation: [{ after_secs: 1, approvers: ["boss"] }],
  });
  await until(() => waitsFor(run, "boss"));
  await say(run, "extend", "ada", { until: "2030-01-01T00:00:00Z" });
  await say(run, "reassign", "ada", { approvers: ["bob", "boss", "cleo"] });
  await say(run, "approve", "bob");
  await say(run, "reject", "boss");
  await on.ends(run);
  const { workflowService, workflow } = stack.deps.temporal;
  await expect(workflow.getHandle(run.id).result()).rejects.toThrow();
  const workflowExecution = { workflowId: run.id };
  await workflowService.deleteWorkflowExecution({ namespace: stack.config.temporalNamespace, workflowExecution });
  await until(() =>
    workflow
      .getHandle(run.id)
      .describe()
      .then(
        () => false,
        () => true,
      ),
  );

  expect((await on.steer(run, "retry", "gate")).status).toBe(200);
  await on.opens(run, "gate");
  const path = `/v1/workflow-runs/${run.id}/steps/gate/attempts`;
  const { body: attempts } = await stack.request<Attempt[]>("GET", path);
  expect(attempts).toMatchObject([
    {
      approval: {
        status: "rejected",
        expires_at: "2030-01-01T00:00:00Z",
        escalation_level: 1,
        votes: [{ actor: "bob" }, { actor: "boss" }],
        reassignments: [{ actor: "ada" }],
        extensions: [{ actor: "ada" }],
      },
    },
    { approval: { status: "pending" } },
  ]);
  expect(await waitsFor(run, "ada")).toMatchObject({ approvers: ["ada", "bob"] });
  expect(attempts[1]?.approval).not.toHaveProperty("escalation_level");
  await until(() => waitsFor(run, "boss"));
});

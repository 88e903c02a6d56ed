import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { ListedApproval } from "../../../src/contract/approvals.ts";
import type { WorkflowRun } from "../../../src/contract/runs.ts";
import { type Stack, startStack } from "../../stack/harness.ts";
import { scenarioOn } from "../../stack/scenario.ts";

let stack: Stack;
let on: ReturnType<typeof scenarioOn>;
const runs: Record<string, WorkflowRun> = {};

const as = (sub: string, groups?: string[]) => ({ token: stack.token({ sub, groups, scopes: ["approvals:decide"] }) });
const inbox = async (search: string, who = "ada", groups?: string[]) => {
  const answer = await stack.request<ListedApproval[]>("GET", `/v1/approvals?${search}`, undefined, as(who, groups));
  expect(answer.status).toBe(200);
  return answer.body;
};
const names = (approvals: ListedApproval[]) =>
  approvals.map(({ workflow_run_id }) => Object.keys(runs).find((name) => runs[name]?.id === workflow_run_id));

beforeAll(async () => {
  stack = await startStack();
  on = scenarioOn(stack);
  const gates: Record<string, object> = {
    endless: { approval_approvers: ["ada"] },
    later: { approval_approvers: ["ada", "bob"], approval_timeout_secs: 7200, approvals_required: 2 },
    soon: { approval_approvers: ["group:finance"], approval_timeout_secs: 3600 },
    own: { approval_approvers: ["ada", "bob"], approval_exclude: ["created_by"] },
  };
  for (const [name, gate] of Object.entries(gates)) {
    const workflow = await on.workflow([
      { step_ref: "build", calls: "/build" },
      { step_ref: "gate", step_type: "approval", depends_on: ["build"], ...gate },
      { step_ref: "ship", calls: "/ship", depends_on: ["gate"] },
      { step_ref: "tell", calls: "/tell", depends_on: ["gate", "build"] },
      { step_ref: "other", step_type: "approval", approval_approvers: ["nobody"] },
      { step_ref: "both", calls: "/both", depends_on: ["gate", "other"] },
    ]);
    runs[name] = await on.trigger(workflow, { tags: { kind: name } });
    await on.opens(runs[name], "gate");
    await on.opens(runs[name], "other");
  }
});
afterAll(() => stack.stop());

describe("what waits for somebody", () => {
  test("comes as it falls due, with what it is about and what a yes starts", async () => {
    const mine = await inbox("mine=true&status=pending", "ada", ["finance"]);
    expect(names(mine)).toEqual(["soon", "later", "endless"]);
    expect(mine[0]).toMatchObject({
      step_ref: "gate",
      status: "pending",
      approvers: ["group:finance"],
      workflow_id: runs.soon?.workflow_id,
      created_by: "ada",
      tags: { kind: "soon" },
      starts: ["ship", "tell"],
    });
    expect(names(await inbox("mine=true&status=pending", "ada"))).toEqual(["later", "endless"]);
    expect(names(await inbox("mine=true&status=pending", "bob"))).toEqual(["later", "own"]);
    expect(await inbox("mine=true&status=pending", "eve")).toEqual([]);
    expect(await inbox("mine=true&status=pending", "group:finance")).toEqual([]);
  });

  test("is of one run, if that is asked for; who may decide is told to whoever may not", async () => {
    const { id = "" } = runs.later ?? {};
    expect(names(await inbox(`mine=true&status=pending&workflow_run_id=${id}`))).toEqual(["later"]);
    expect((await inbox(`workflow_run_id=${id}`)).map(({ step_ref }) => step_ref).sort()).toEqual(["gate", "other"]);
    expect(await inbox("workflow_run_id=nope")).toEqual([]);
    const counts = `/v1/approvals/counts?workflow_run_id=${id}`;
    expect((await stack.request("GET", counts, undefined, as("ada"))).body).toMatchObject({ total: 2 });
    const approve = (run: WorkflowRun | undefined, query = "") =>
      stack.request("POST", `/v1/workflow-runs/${run?.id}/steps/gate/approve${query}`, undefined, as("eve"));
    for (const query of ["", "?dryRun=true"])
      expect(await approve(runs.later, query)).toMatchObject({
        status: 400,
        body: { code: "approver_not_allowed", details: ["approvers: ada", "approvers: bob"] },
      });
    expect((await approve(runs.own)).body).toMatchObject({ details: ["approvers: bob"] });
  });

  test("is paged in that order", async () => {
    const found: ListedApproval[] = [];
    let search = "mine=true&status=pending&limit=1";
    for (let pages = 0; pages < 9; pages++) {
      const answer = await stack.request<ListedApproval[]>(
        "GET",
        `/v1/approvals?${search}`,
        undefined,
        as("ada", ["finance"]),
      );
      found.push(...answer.body);
      const cursor = answer.headers.get("x-next-cursor");
      if (!cursor) break;
      search = `mine=true&status=pending&limit=1&cursor=${cursor}`;
    }
    expect(names(found)).toEqual(["soon", "later", "endless"]);
  });

  test("is filtered, and counted", async () => {
    const all = "mine=true&status=pending";
    expect(names(await inbox(`${all}&workflow_id=${runs.later?.workflow_id}`))).toEqual(["later"]);
    expect(names(await inbox(`${all}&tag_key=kind&tag_value=endless`))).toEqual(["endless"]);
    expect(await inbox(`${all}&created_by=bob`)).toEqual([]);
    const inNinetyMinutes = encodeURIComponent(new Date(Date.now() + 5_400_000).toISOString());
    expect(names(await inbox(`${all}&due_before=${inNinetyMinutes}`, "ada", ["finance"]))).toEqual(["soon"]);
    const counts = await stack.request("GET", `/v1/approvals/counts?${all}`, undefined, as("ada", ["finance"]));
    expect(counts.body).toMatchObject({ total: 3, due_within_24h: 2, overdue: 0, by_workflow: { length: 3 } });
  });

  test("is nothing of another project", async () => {
    const token = stack.token({ sub: "ada", projects: ["other"] });
    expect((await stack.request("GET", "/v1/approvals?mine=true", undefined, { token })).body).toEqual([]);
  });

  test.each(["status=open", "mine=yes", "due_before=soon", "nonsense=1"])("%s is refused", async (search) => {
    expect((await stack.request("GET", `/v1/approvals?${search}`)).status).toBe(400);
  });
});

test("many are decided with one comment, each as if alone; a dry run decides none", async () => {
  const gate = (name: string) => ({ workflow_run_id: runs[name]?.id, step_ref: "gate" });
  const body = { decision: "approve", comment: "all fine", approvals: [gate("endless"), gate("later"), gate("soon")] };
  const plan = await stack.request("POST", "/v1/approvals/decide?dryRun=true", body, as("ada"));
  expect(plan.body).toMatchObject({
    dry_run: true,
    results: [{ plan: { dry_run: true } }, { plan: { dry_run: true } }, { code: "approver_not_allowed" }],
  });
  expect(await inbox("mine=true&status=pending")).toHaveLength(2);
  const done = await stack.request("POST", "/v1/approvals/decide", body, as("ada"));
  expect(done.body).toMatchObject({
    results: [{ status: "decided" }, { status: "voted" }, { status: "refused", code: "approver_not_allowed" }],
  });
  expect(await inbox("mine=true&status=pending")).toEqual([]);
  const decided = await inbox("mine=true&status=approved");
  expect(decided).toMatchObject([{ approved_by: "ada", votes: [{ comment: "all fine" }] }]);
  expect(names(decided)).toEqual(["endless"]);
  const late = await stack.request(
    "POST",
    "/v1/approvals/decide",
    { ...body, approvals: [gate("endless")] },
    as("ada"),
  );
  const details = [`approved by ada at ${decided[0]?.approved_at}`];
  expect(late.body).toMatchObject({ results: [{ status: "refused", code: "invalid_state", details }] });
});

import { expect, test } from "vitest";
import type { ListedApproval } from "../../../src/contract/approvals.ts";
import type { Approval } from "../../../src/contract/runs.ts";
import { startStack } from "../../stack/harness.ts";
import { startOwnTemporal } from "../../stack/own-servers.ts";
import { startApiProcess, startWorkerProcess } from "../../stack/processes.ts";
import { scenarioOn } from "../../stack/scenario.ts";
import { until } from "../../stack/until.ts";

test("a gate keeps its times, its approvers and its votes over a kill -9 of everything, also what was due meanwhile", async ({
  onTestFinished,
}) => {
  const temporal = await startOwnTemporal();
  onTestFinished(() => temporal.remove());
  const stack = await startStack({ servers: temporal, worker: false, logLevel: "silent" });
  onTestFinished(() => stack.stop());
  const on = scenarioOn(stack);
  const as = (sub: string) => ({ token: stack.token({ sub, scopes: ["approvals:decide"] }) });
  const inbox = async (who: string) => {
    const path = "/v1/approvals?mine=true&status=pending";
    return (await stack.request<ListedApproval[]>("GET", path, undefined, as(who))).body;
  };
  const [api, worker] = await Promise.all([startApiProcess(stack), startWorkerProcess(stack)]);
  const run = await on.start([
    {
      ...{ step_ref: "gate", step_type: "approval", approval_approvers: ["ada", "bob"], approvals_required: 2 },
      ...{ approval_timeout_secs: 6, approval_on_timeout: "fail" },
      approval_escalation: [{ after_secs: 5, approvers: ["boss"] }],
    },
    { step_ref: "after", calls: "/after", depends_on: ["gate"] },
  ]);
  await on.opens(run, "gate");
  const say = (verb: string, who: string, body = {}) =>
    on.steer<{ approval: Approval }>(run, verb, "gate", body, as(who));
  const extended = new Date(Date.now() + 600_000).toISOString();
  expect((await say("extend", "ada", { until: extended })).status).toBe(200);
  expect((await say("reassign", "bob", { approvers: ["ada", "cleo"] })).status).toBe(200);
  const { body } = await say("approve", "cleo");
  expect(body.approval).toMatchObject({ status: "pending", votes: [{ actor: "cleo" }] });

  await Promise.all([worker.kill(), api.kill(), temporal.kill()]);
  const due = Date.parse(body.approval.requested_at) + 6_500;
  await until(() => Date.now() > due, { everyMs: 100 });
  await temporal.start();
  const next = await startWorkerProcess(stack);
  onTestFinished(() => next.stop());

  const [gate] = await until(async () => {
    const found = await inbox("boss");
    return found.length > 0 && found;
  });
  expect(gate).toMatchObject({
    status: "pending",
    approvers: ["ada", "cleo", "boss"],
    escalation_level: 1,
    votes: [{ actor: "cleo" }],
    reassignments: [{ actor: "bob", approvers: ["ada", "cleo"] }],
    extensions: [{ actor: "ada" }],
  });
  expect(Date.parse(gate?.expires_at ?? "")).toBe(Date.parse(extended));
  await until(async () => [200, 202].includes((await say("approve", "boss")).status));
  expect(await on.ends(run)).toMatchObject({ status: "completed" });
  expect(stack.jobs.callsTo("/after")).toHaveLength(1);
});

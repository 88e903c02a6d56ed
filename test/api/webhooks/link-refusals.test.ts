import { afterAll, beforeAll, expect, test } from "vitest";
import type { Approval } from "../../../src/contract/runs.ts";
import { ok } from "../definitions.ts";
import { ownLinks } from "./own-links.ts";
import { type Stack, startStack } from "../../stack/harness.ts";
import { until } from "../../stack/until.ts";

let stack: Stack;
beforeAll(async () => {
  stack = await startStack();
});
afterAll(() => stack.stop());

const { waiting, linkOf, open } = ownLinks(() => stack);
const decide = (path: string, form: Record<string, string>) =>
  fetch(`${stack.apiUrl}${path}`, { method: "POST", body: new URLSearchParams(form) });

test("what was refused can be said again once nothing speaks against it", async () => {
  const run = await waiting({ approval_approvers: ["ada", "bob"], approvals_required: 2 });
  const path = await linkOf(run);
  const steps = `/v1/workflow-runs/${run.id}/steps/gate`;
  await ok(stack, "POST", `${steps}/approve`);
  for (let twice = 0; twice < 2; twice++) {
    const answer = await decide(path, { decision: "approve" });
    expect(answer.status).toBe(409);
    expect(await answer.text()).toContain("ada has already approved step gate");
  }
  await ok(stack, "POST", `${steps}/withdraw`);
  expect((await decide(path, { decision: "approve" })).status).toBe(200);
  expect(await ok<Approval>(stack, "GET", `${steps}/approval`)).toMatchObject({ votes: [{ actor: "ada" }] });
  expect((await open(path)).status).toBe(410);
});

test("what no worker can take yet uses up the link if it takes effect, and not if it is refused", async () => {
  const options = { approval_options: ["ship", "hold"], approval_approvers: ["ada", "bob"], approvals_required: 2 };
  const [run, other] = [await waiting(options), await waiting(options)];
  const [path, others] = [await linkOf(run), await linkOf(other)];
  await stack.withoutWorker(async () => {
    for (const answer of [await decide(path, { option: "sink" }), await decide(others, { option: "ship" })])
      expect(answer.status).toBe(202);
    expect((await decide(others, { option: "ship" })).status).toBe(202);
  });
  await until(async () => (await open(others)).status === 410);
  expect((await decide(others, { decision: "reject" })).status).toBe(410);
  const { votes } = await ok<Approval>(stack, "GET", `/v1/workflow-runs/${other.id}/steps/gate/approval`);
  expect(votes).toMatchObject([{ actor: "ada", option: "ship" }]);
  expect((await decide(path, { option: "hold" })).status).toBe(200);
  expect((await open(path)).status).toBe(410);
});

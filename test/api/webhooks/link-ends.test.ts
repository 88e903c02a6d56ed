import { afterAll, beforeAll, expect, test } from "vitest";
import { gate, ok, opens, reaches, runOf } from "../definitions.ts";
import { ownLinks } from "./own-links.ts";
import { type Stack, startStack } from "../../stack/harness.ts";

let stack: Stack;
beforeAll(async () => {
  stack = await startStack();
});
afterAll(() => stack.stop());

const { waiting, linkOf, open } = ownLinks(() => stack);
const closed = async (path: string) => {
  const answer = await open(path);
  expect(answer.status).toBe(410);
  return answer.text();
};

test("a link that decides nothing any more says why", async () => {
  const late = await waiting({ approval_timeout_secs: 2 });
  const lates = await linkOf(late);
  const others = [await waiting(), await waiting({ approval_approvers: ["ada", "bob"] }), await waiting()] as const;
  const [canceled, given, decided] = others;
  const paths = await Promise.all(others.map(linkOf));
  await ok(stack, "POST", `/v1/workflow-runs/${decided.id}/steps/gate/approve`);
  await ok(stack, "DELETE", `/v1/workflow-runs/${canceled.id}`);
  await ok(stack, "POST", `/v1/workflow-runs/${given.id}/steps/gate/reassign`, { approvers: ["bob"] });
  await reaches(stack, late, "failed");
  expect(await Promise.all([lates, ...paths].map(closed))).toEqual([
    expect.stringContaining("The time for this approval is over."),
    expect.stringContaining("This approval was canceled."),
    expect.stringContaining("Others decide this approval by now."),
    expect.stringContaining("This approval is decided."),
  ]);
  await ok(stack, "POST", `/v1/workflow-runs/${canceled.id}/steps/gate/retry`);
  await opens(stack, canceled, "gate");
  expect(await closed(paths[0] ?? "")).toContain("the approval was asked for anew");
});

test("the page of a gate says that its run is paused", async () => {
  const run = await waiting();
  const path = await linkOf(run);
  const paused = "The run is paused: nothing starts before it is resumed.";
  expect(await (await open(path)).text()).not.toContain(paused);
  await ok(stack, "POST", `/v1/workflow-runs/${run.id}/pause`);
  expect(await (await open(path)).text()).toContain(paused);
});

test("there is no link to what is no open gate, and the refusal says which of the three it is", async () => {
  const run = await runOf(stack, [
    gate("gate"),
    gate("later", { depends_on: ["gate"] }),
    { step_ref: "nap", step_type: "sleep", sleep_duration_secs: 3600 },
  ]);
  await opens(stack, run, "gate");
  const steps = `/v1/workflow-runs/${run.id}/steps`;
  const none = 'step_ref: the run has no step "none"';
  const notYet = 'step_ref: "later" has not asked for it yet';
  const noGate = 'step_ref: "nap" is a sleep step';
  for (const [ref, status, message, detail] of [
    ["none", 404, "workflow step run not found", none],
    ["later", 400, "approval not found for step later", notYet],
    ["nap", 400, "approval not found for step nap", noGate],
  ] as const)
    for (const path of ["links", "links?dryRun=true", "approve"])
      expect(await stack.request("POST", `${steps}/${ref}/${path}`)).toMatchObject({
        status,
        body: { message, details: [detail] },
      });
  for (const [ref, detail] of [
    ["none", none],
    ["later", notYet],
    ["nap", noGate],
  ])
    expect(await stack.request("GET", `${steps}/${ref}/approval`)).toMatchObject({
      status: 404,
      body: { message: `approval not found for step "${ref}"`, details: [detail] },
    });
});

test.each([
  ["PUT", "/approve/guessed", "GET, HEAD, POST"],
  ["DELETE", "/docs", "GET, HEAD"],
])("%s of the page %s is refused, and told the methods that there are", async (method, path, allow) => {
  const answer = await fetch(`${stack.apiUrl}${path}`, { method });
  expect([answer.status, answer.headers.get("allow")]).toEqual([405, allow]);
});

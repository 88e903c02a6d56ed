import { afterAll, beforeAll, expect, test } from "vitest";
import type { ApprovalLink } from "../../../src/contract/webhooks/approval-links.ts";
import { gate, ok, opens, runOf, type Step } from "../definitions.ts";
import { type Stack, startStack } from "../../stack/harness.ts";

let stack: Stack;
beforeAll(async () => {
  stack = await startStack();
});
afterAll(() => stack.stop());

const step = (step_ref: string, over: object = {}) => ({ ...gate(step_ref), depends_on: ["gate"], ...over });
const chosen = (option: string) => ({ type: "eq", left: { ref: "outputs.gate.option" }, right: option });

/** The page of the gate's link, as text. */
async function pageOf(steps: Step[], done: string[] = []): Promise<string> {
  const run = await runOf(stack, steps);
  await opens(stack, run, "gate");
  for (const ref of done) await ok(stack, "POST", `/v1/workflow-runs/${run.id}/steps/${ref}/approve`);
  const { url } = await ok<ApprovalLink>(stack, "POST", `/v1/workflow-runs/${run.id}/steps/gate/links`);
  const page = await (await fetch(`${stack.apiUrl}${new URL(url).pathname}`)).text();
  return page.replace(/<\/?b>/g, "");
}

test("says what starts once it is approved, as the inbox does, and names no more than anybody reads", async () => {
  const waits = step("waits", { depends_on: ["gate", "other"] });
  const steps = [gate("gate"), gate("other"), step("now"), waits];
  expect(await pageOf(steps)).toContain("Once approved, it starts now.");
  expect(await pageOf(steps, ["other"])).toContain("Once approved, it starts now, waits.");
  expect(await pageOf([gate("gate")])).toContain("Once approved, it starts nothing by itself.");
  const many = Array.from({ length: 12 }, (_, n) => step(`s${n}`));
  expect(await pageOf([gate("gate"), ...many])).toContain(", s9 and 2 more.");
});

test("says of each option what it starts, by its condition; where a form has a say, what may start", async () => {
  const options = ["ship", "<b>hold</b>", "drop"];
  const after = [
    step("deploy", { condition: chosen("ship"), on_skip: "skip_dependents" }),
    step("wait", { condition: chosen("<b>hold</b>"), on_skip: "skip_dependents" }),
  ];
  const page = await pageOf([
    gate("gate", { approval_options: options, approvals_required: 2, approval_approvers: ["ada", "bob"] }),
    ...after,
  ]);
  expect(page).toContain("<li>ship starts deploy.</li>");
  expect(page).toContain("<li>&lt;b&gt;hold&lt;/b&gt; starts wait.</li>");
  expect(page).toContain("<li>drop starts nothing by itself.</li>");
  const form = { approval_options: options, approval_form: { type: "object" } };
  expect(await pageOf([gate("gate", form), ...after])).toContain("Once decided, it may start deploy, wait.");
});

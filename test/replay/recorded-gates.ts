import { afterAll, beforeAll, test } from "vitest";
import { recordingOn } from "./recording.ts";
import { type Stack, startStack } from "../stack/harness.ts";
import { type Scenario, scenarioOn } from "../stack/scenario.ts";
import { GATE } from "../stack/step-drafts.ts";
import { until } from "../stack/until.ts";

let stack: Stack;
let on: Scenario;
beforeAll(async () => {
  stack = await startStack();
  on = scenarioOn(stack);
});
afterAll(() => stack.stop());

const { ends, does } = recordingOn(
  () => stack,
  () => on,
);

test("a gate that escalates, is reassigned and extended", async () => {
  const run = await on.start([
    {
      ...GATE,
      ...{ approval_timeout_secs: 600, approval_on_timeout: "approve", approval_remind_every_secs: 60 },
      approval_escalation: [{ after_secs: 1, approvers: ["boss"] }],
    },
    { step_ref: "after", calls: "/after", depends_on: ["gate"] },
  ]);
  await on.opens(run, "gate");
  await does(run, "extend", "gate", { until: new Date(Date.now() + 900_000).toISOString() });
  await until(async () => {
    const { body } = await stack.request<{ escalation_level?: number }[]>("GET", "/v1/approvals?project_id=demo");
    return body[0]?.escalation_level === 1;
  });
  await does(run, "reassign", "gate", { approvers: ["ada", "bob"] });
  await does(run, "approve", "gate");
  await ends(run, "completed", "gate-over-time");
});

import { expect, test } from "vitest";
import type { Approval } from "../../../src/contract/runs.ts";
import { freePort } from "../../../src/dev/ports.ts";
import { requestTo, startStack } from "../../stack/harness.ts";
import { startApiProcess } from "../../stack/processes.ts";
import { scenarioOn } from "../../stack/scenario.ts";

const APPROVERS = 50;
const NEEDED = 3;

test("of fifty who decide at once at two APIs, as many count as are needed, each once, and the others are told", async ({
  onTestFinished,
}) => {
  const stack = await startStack();
  onTestFinished(() => stack.stop());
  const on = scenarioOn(stack);
  const port = await freePort();
  const other = await startApiProcess(stack, { PORT: String(port) });
  onTestFinished(() => other.stop());
  const people = Array.from({ length: APPROVERS }, (_, n) => `approver-${n}`);
  const gate = { approval_approvers: people, approvals_required: NEEDED };
  const run = await on.start([
    { step_ref: "gate", step_type: "approval", ...gate },
    { step_ref: "after", calls: "/after", depends_on: ["gate"] },
  ]);
  await on.opens(run, "gate");
  const answers = await Promise.all(
    people.flatMap((sub, n) => {
      const request = requestTo(n % 2 ? stack.apiUrl : `http://127.0.0.1:${port}`, () => stack.token({ sub }));
      const path = `/v1/workflow-runs/${run.id}/steps/gate/approve`;
      // Each of them twice, as who presses a button does.
      return [request<{ approval: Approval }>("POST", path), request<{ approval: Approval }>("POST", path)];
    }),
  );
  const counted = answers.filter(({ status }) => status === 200);
  expect(counted).toHaveLength(NEEDED);
  expect(answers.filter(({ status }) => ![200, 400, 409].includes(status))).toEqual([]);
  const decided = counted.filter(({ body }) => body.approval.status === "approved");
  expect(decided).toHaveLength(1);
  const voters = decided[0]?.body.approval.votes?.map(({ actor }) => actor) ?? [];
  expect(new Set(voters).size).toBe(NEEDED);
  expect(await on.ends(run)).toMatchObject({ status: "completed" });
  expect(stack.jobs.callsTo("/after")).toHaveLength(1);
});

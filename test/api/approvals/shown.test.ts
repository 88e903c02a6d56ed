import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Attempt, WorkflowRun } from "../../../src/contract/runs.ts";
import { commandSignals } from "../../../workflows/messages.ts";
import { decidingOn } from "./deciding.ts";
import { type Stack, startStack } from "../../stack/harness.ts";
import { scenarioOn } from "../../stack/scenario.ts";
import { until } from "../../stack/until.ts";
import { refused } from "../shapes.ts";

let stack: Stack;
let on: ReturnType<typeof scenarioOn>;
beforeAll(async () => {
  stack = await startStack();
  on = scenarioOn(stack);
});
afterAll(() => stack.stop());

const { as, say, shownOf } = decidingOn(
  () => stack,
  () => on,
);
const attemptsOf = async (run: WorkflowRun) =>
  (await stack.request<Attempt[]>("GET", `/v1/workflow-runs/${run.id}/steps/gate/attempts`)).body;

const gate = (more: object) => ({ step_ref: "gate", step_type: "approval", approval_approvers: ["ada"], ...more });
const started = async (more: object, payload: object = {}, opens = true): Promise<WorkflowRun> => {
  const run = await on.start([gate(more), { step_ref: "after", calls: "/after", depends_on: ["gate"] }], { payload });
  if (opens) await on.opens(run, "gate");
  return run;
};

const ABOUT = {
  approval_title: "Ship {{payload.version}}?",
  approval_text: "**{{version}}** has {{payload.notes}}",
  approval_payload: { version: "{{payload.version}}", big: 12345678901234567890n, list: ["{{payload.notes}}"] },
  approval_links: [{ title: "CI", url: "https://ci.example/{{payload.version}}" }, { url: "https://example.org" }],
};
const NOTES = "x".repeat(3_000);

describe("what a gate shows", () => {
  test("is rendered when it opens, and is in every view of it, also once it is decided and reset", async () => {
    const payload = { version: "1.2", notes: NOTES };
    const run = await started(ABOUT, payload);
    const about = {
      title: "Ship 1.2?",
      text: `**1.2** has ${NOTES}`,
      payload: { version: "1.2", big: 12345678901234567890n, list: [NOTES] },
      links: [{ title: "CI", url: "https://ci.example/1.2" }, { url: "https://example.org" }],
      step_attempt: 1,
    };
    const shown = await shownOf(run);
    expect(shown).toMatchObject({ ...about, status: "pending", step_ref: "gate", starts: ["after"] });
    const inbox = `/v1/approvals?mine=true&status=pending&workflow_id=${run.workflow_id}`;
    expect((await stack.request<object[]>("GET", inbox)).body).toEqual([shown]);
    const decide = as("ada", [], ["approvals:decide"]);
    expect(
      (await stack.request("GET", `/v1/workflow-runs/${run.id}/steps/gate/approval`, undefined, decide)).status,
    ).toBe(200);
    const { body } = await say(run, "reject", "ada", { comment: "not yet", reason: "late" });
    expect(body.approval).toMatchObject({ ...about, status: "rejected", shown_hash: shown.shown_hash });
    expect(await shownOf(run)).toMatchObject({ ...about, status: "rejected", votes: [{ comment: "not yet" }] });
    await on.ends(run);
    await on.steer(run, "retry", "gate", { payload: { version: "1.3", notes: "none" } });
    await on.opens(run, "gate");
    expect(await shownOf(run)).toMatchObject({ title: "Ship 1.3?", step_attempt: 2, status: "pending" });
    expect(await attemptsOf(run)).toMatchObject([
      { attempt: 1, approval: { ...about, status: "rejected", votes: [{ actor: "ada", comment: "not yet" }] } },
      { attempt: 2, approval: { title: "Ship 1.3?", status: "pending" } },
    ]);
  });

  test("is not there for a gate that says nothing, which opens as ever", async () => {
    const run = await started({});
    const shown = await shownOf(run);
    expect(shown).toMatchObject({ step_attempt: 1, shown_hash: "1" });
    expect(Object.keys(shown)).not.toContain("title");
    const { events } = await stack.deps.temporal.workflow.getHandle(run.id).fetchHistory();
    const activities = (events ?? []).flatMap(
      ({ activityTaskScheduledEventAttributes: scheduled }) => scheduled?.activityType?.name ?? [],
    );
    expect(activities).not.toContain("openGate");
  });

  test("may come from outputs before it, also large ones", async () => {
    stack.jobs.on("/plan", () => ({ status: 200, body: { notes: NOTES, lead: "cleo" } }));
    const run = await on.start([
      { step_ref: "plan", calls: "/plan" },
      gate({
        depends_on: ["plan"],
        approval_approvers: ["{{outputs.plan.lead}}"],
        approval_text: "{{outputs.plan.notes}}",
      }),
    ]);
    await on.opens(run, "gate");
    expect(await shownOf(run)).toMatchObject({ text: NOTES, approvers: ["cleo"] });
    expect((await say(run, "approve", "cleo")).status).toBe(200);
  });

  test.each<[string, object, object, string]>([
    ["has no value", { approval_title: "{{payload.gone}}" }, {}, "payload.gone has no value"],
    ["is too long", { approval_title: "{{payload.long}}" }, { long: "x".repeat(501) }, "approval_title would be 501"],
    [
      "is no URL",
      { approval_links: [{ url: "{{payload.url}}" }] },
      { url: "javascript:x" },
      "approval_links[0].url is no",
    ],
    ["is nobody", { approval_approvers: ["{{payload.boss}}"] }, { boss: 7 }, "payload.boss is not a text"],
    [
      "is too few",
      { approval_approvers: ["{{payload.all}}"], approvals_required: 2 },
      { all: ["a"] },
      "of 1 approvers",
    ],
  ])("fails the step where it %s", async (_, more, payload, error) => {
    const run = await started(more, payload, false);
    expect((await on.ends(run)).status).toBe("failed");
    expect((await on.step(run, "gate")).error).toContain(error);
    refused(await say(run, "approve", "ada"), 400, "invalid_state", "step gate is already in terminal state");
  });

  test("is answered 404 where there is none", async () => {
    const run = await started({});
    const ask = (path: string, options?: object) =>
      stack.request("GET", `/v1/workflow-runs/${path}/approval`, undefined, options);
    refused(await ask(`${run.id}/steps/after`), 404, "not_found", 'approval not found for step "after"');
    refused(await ask(`${run.id}/steps/none`), 404, "not_found", 'approval not found for step "none"');
    const other = { token: stack.token({ sub: "ada", projects: ["other"] }) };
    refused(await ask(`${run.id}/steps/gate`, other), 404, "not_found", "workflow run not found");
  });
});

describe("approvers by reference", () => {
  test("are who the payload names: in the inbox, by verb, by group; nobody else", async () => {
    const approvers = ["{{payload.manager}}", "group:{{payload.team}}"];
    const run = await started({ approval_approvers: approvers }, { manager: "mia", team: "ops" });
    expect((await shownOf(run)).approvers).toEqual(["mia", "group:ops"]);
    const inbox = async (who: string, groups?: string[]) => {
      const path = `/v1/approvals?mine=true&status=pending&workflow_id=${run.workflow_id}`;
      return (await stack.request<object[]>("GET", path, undefined, as(who, groups))).body.length;
    };
    expect(await Promise.all([inbox("mia"), inbox("ada"), inbox("oz", ["ops"]), inbox("{{payload.manager}}")])).toEqual(
      [...[1, 0, 1, 0]],
    );
    expect((await say(run, "approve", "ada")).body).toMatchObject({ code: "approver_not_allowed" });
    expect((await say(run, "skip", "ada")).status).toBe(403);
    expect((await say(run, "approve", "oz", {}, ["ops"])).body.approval.votes).toMatchObject([{ as: "group:ops" }]);
  });

  test("stay when the run is opened again, and are others when the gate is reset with another payload", async () => {
    const run = await started({ approval_approvers: ["{{payload.manager}}"] }, { manager: "mia" });
    await say(run, "approve", "mia");
    await on.ends(run);
    expect((await say(run, "retry", "mia")).status).toBe(200);
    await on.opens(run, "gate");
    await stack.request("DELETE", `/v1/workflow-runs/${run.id}`);
    await on.steer(run, "retry", "gate", { payload: { manager: "noa" } });
    await on.opens(run, "gate");
    expect((await shownOf(run)).approvers).toEqual(["noa"]);
    expect((await say(run, "approve", "mia")).status).toBe(400);
    expect((await say(run, "approve", "noa")).status).toBe(200);
  });
});

test.each([
  [{ approval_options: ["a", "a"] }, 'approval_options has "a" twice'],
  [{ approval_options: [] }, "approval_options"],
  [{ approval_options: [""] }, "approval_options must not be empty"],
  [{ approval_options: ["{{x}}"] }, "approval_options[0] takes no references"],
  [{ approval_links: [{ url: "ftp://x" }] }, "approval_links[0].url must be an http or https URL"],
  [{ approval_links: [{ title: "no url" }] }, "approval_links[0].url"],
  [{ approval_title: "{{outputs.after.x}}" }, 'step "after" does not come before it'],
  [{ approval_text: "{{outputs.gone.x}}" }, 'unknown step "gone"'],
  [{ approval_payload: { a: ["{{outputs.gone.x}}"] } }, "approval_payload.a[0]"],
  [{ approval_approvers: ["{{a b}}"] }, "approval_approvers[0]"],
  [{ approval_form: { type: "nonsense" } }, "invalid approval_form"],
  [{ approval_form: true }, "approval_form must be a JSON Schema"],
  [{ approval_form: { description: "{{x}}" } }, "approval_form.description takes no references"],
  [{ approval_title: "two\nlines" }, "approval_title"],
  [
    { approval_options: ["a"], approval_on_timeout: "approve", approval_timeout_secs: 5 },
    "approval_on_timeout approve chooses none",
  ],
  [
    { approval_form: {}, approval_on_timeout: "approve", approval_timeout_secs: 5 },
    "approval_on_timeout approve gives no values",
  ],
])("a definition with %j is refused, and says what is wrong with which field", async (wrong, told) => {
  const after = { step_ref: "after", depends_on: ["gate"], job_id: await on.job("/after") };
  const body = { project_id: "demo", name: "wrong", slug: "wrong", steps: [gate(wrong), after] };
  const answer = await stack.request<{ details: string[] }>("POST", "/v1/workflows", body);
  expect(answer.status).toBe(400);
  expect(answer.body.details.join()).toContain(told);
});

test("a definition shows what it was given, and versions differ by it", async () => {
  const more = { ...ABOUT, approval_form: { type: "object" }, approval_options: ["ship"] };
  const workflow = await on.workflow([gate(more)]);
  const read = await stack.request<{ steps: object[] }>("GET", `/v1/workflows/${workflow.id}`);
  expect(read.body.steps).toMatchObject([more]);
  const other = { ...more, approval_title: "other", approval_form: { type: "array" }, approval_payload: 1 };
  const changed = await stack.request<{ version_id: string }>("PATCH", `/v1/workflows/${workflow.id}`, {
    steps: [gate(other)],
  });
  const diff = `/v1/workflows/${workflow.id}/versions/${workflow.version_id}/diff/${changed.body.version_id}`;
  expect((await stack.request("GET", diff)).body).toMatchObject({
    changed_steps: [
      {
        fields: {
          approval_title: { to: "other" },
          approval_form: { from: { type: "object" }, to: { type: "array" } },
          approval_payload: { to: 1 },
        },
      },
    ],
  });
  expect((await stack.request("POST", `/v1/workflows/${workflow.id}/dry-run`, {})).status).toBe(200);
});

test("a signal by hand is held to what is shown as well", async () => {
  const run = await started({ approval_title: "by hand" });
  const handle = stack.deps.temporal.workflow.getHandle(run.id);
  await handle.signal(commandSignals.approve, { actor: "ada", step_ref: "gate", id: "stale", shown_hash: "1.other" });
  const told = await until(async () => {
    const { status, body } = await stack.request<object>("GET", `/v1/workflow-runs/${run.id}/commands/stale`);
    return status === 200 && body;
  });
  expect(told).toMatchObject({ status: "refused", code: "conflict" });
  expect(await on.step(run, "gate")).toMatchObject({ status: "waiting" });
});

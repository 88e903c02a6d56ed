import { afterAll, beforeAll, expect, test } from "vitest";
import type { ApprovalLink } from "../../../src/contract/webhooks/approval-links.ts";
import type { Approval, WorkflowRun } from "../../../src/contract/runs.ts";
import { gate, getStep, ok, opens, reaches, runOf } from "../definitions.ts";
import { refused } from "../shapes.ts";
import { type Stack, startStack } from "../../stack/harness.ts";
import { until } from "../../stack/until.ts";

let stack: Stack;
let log = "";
beforeAll(async () => {
  stack = await startStack({ logLevel: "info", logTo: { write: (line: string) => (log += line) } });
});
afterAll(() => stack.stop());

const EVIL = `<script>alert("x")</script>'&`;

async function waiting(over: object = {}, body: object = {}): Promise<WorkflowRun> {
  const run = await runOf(stack, [gate("gate", { ...over })], {}, body);
  await opens(stack, run, "gate");
  return run;
}
const linkOf = async (run: WorkflowRun, sub = "ada") => {
  const path = `/v1/workflow-runs/${run.id}/steps/gate/links`;
  const { url } = await ok<ApprovalLink>(stack, "POST", path, undefined, { token: stack.token({ sub }) });
  expect(url).toMatch(/^http:\/\/links\.test\/approve\/[\w-]{43}$/);
  return new URL(url).pathname;
};
const open = (path: string, method = "GET") => fetch(`${stack.apiUrl}${path}`, { method });
const decide = (path: string, form: Record<string, string>) =>
  fetch(`${stack.apiUrl}${path}`, { method: "POST", body: new URLSearchParams(form) });
const statusOf = async (run: WorkflowRun) => (await getStep(stack, run, "gate")).status;

test("opening a link shows the gate, without script, and decides nothing", async () => {
  const shown = { approval_title: `Ship ${EVIL}`, approval_text: EVIL, approval_payload: { of: "{{payload.evil}}" } };
  const run = await waiting(shown, { payload: { evil: EVIL } });
  const path = await linkOf(run);
  for (const method of ["GET", "HEAD", "GET"]) {
    const answer = await open(path, method);
    expect(answer.status).toBe(200);
    expect(answer.headers.get("content-security-policy")).toContain("default-src 'none'");
    expect(answer.headers.get("content-security-policy")).not.toContain("script-src");
    expect(answer.headers.get("cache-control")).toBe("no-store");
    expect(answer.headers.get("referrer-policy")).toBe("no-referrer");
    const page = await answer.text();
    expect(page).not.toContain("<script");
    if (method === "GET") expect(page).toContain("Ship &lt;script&gt;alert(&quot;x&quot;)&lt;/script&gt;&#39;&amp;");
  }
  expect(await statusOf(run)).toBe("waiting");
});

test("it shows what others have said, and for what they are", async () => {
  const options = { approval_options: ["ship", "hold"], approvals_required: 2, approval_approvers: ["ada", "bob"] };
  const run = await waiting(options);
  const steps = `/v1/workflow-runs/${run.id}/steps/gate`;
  const bob = { token: stack.token({ sub: "bob" }) };
  await ok(stack, "POST", `${steps}/comment`, { comment: `who pays ${EVIL}` }, bob);
  await ok(stack, "POST", `${steps}/choose`, { option: "hold", comment: "not now" }, bob);
  const page = await (await open(await linkOf(run))).text();
  expect(page).toContain("<dt>Votes</dt><dd>bob: hold (not now)</dd>");
  expect(page).toContain("<dt>Comments</dt><dd>bob: who pays &lt;script&gt;");
});

test("it decides once, with a comment, as its person", async () => {
  const run = await waiting();
  const [path, second] = [await linkOf(run), await linkOf(run)];
  const answers = await Promise.all([1, 2, 3].map(() => decide(path, { decision: "approve", comment: "by mail" })));
  expect(answers.some(({ status }) => status === 200)).toBe(true);
  await reaches(stack, run, "completed");
  const [approval] = await ok<{ approved_by: string; votes: object[] }[]>(
    stack,
    "GET",
    "/v1/approvals?status=approved&limit=1",
  );
  expect(approval).toMatchObject({ approved_by: "ada", votes: [{ actor: "ada", comment: "by mail" }] });
  for (const used of [path, second]) {
    for (const answer of [await open(used), await decide(used, { decision: "reject" })]) {
      expect(answer.status).toBe(410);
      expect(await answer.text()).not.toContain(run.id);
    }
  }
});

test("an unknown token is a 404 page, one of an earlier attempt or of a decided gate a 410 page", async () => {
  expect((await open("/approve/guessed")).status).toBe(404);
  expect((await decide("/approve/guessed", { decision: "approve" })).status).toBe(404);
  const run = await waiting();
  const path = await linkOf(run);
  await ok(stack, "POST", `/v1/workflow-runs/${run.id}/steps/gate/reject`);
  await reaches(stack, run, "failed");
  expect((await open(path)).status).toBe(410);
  await ok(stack, "POST", `/v1/workflow-runs/${run.id}/steps/gate/retry`);
  await opens(stack, run, "gate");
  expect((await open(path)).status).toBe(410);
  expect((await decide(path, { decision: "approve" })).status).toBe(410);
  expect(await statusOf(run)).toBe("waiting");
});

test("a link is only for oneself, and only for whom the gate names", async () => {
  const run = await waiting({ approval_approvers: ["ada", "group:finance"] });
  const path = `/v1/workflow-runs/${run.id}/steps/gate/links`;
  const token = stack.token({ sub: "eve", groups: ["finance"] });
  refused(
    await stack.request("POST", path, undefined, { token }),
    400,
    "approver_not_allowed",
    "approver eve is not named by step gate",
  );
  expect((await stack.request("POST", path, { person: "ada" }, { token })).status).toBe(400);
  expect(await ok(stack, "POST", `${path}?dryRun=true`)).toEqual({ dry_run: true, person: "ada" });
  await ok(stack, "POST", `/v1/workflow-runs/${run.id}/steps/gate/approve`);
  refused(await stack.request("POST", path), 400, "invalid_state", "step gate is already in terminal state");
});

test("there is no link for who started the run of a gate that excludes them", async () => {
  const run = await waiting({ approval_approvers: ["ada", "bob"], approval_exclude: ["created_by"] });
  const path = `/v1/workflow-runs/${run.id}/steps/gate/links`;
  const message = "approver ada is not allowed for step gate: they started the run";
  for (const dry of ["?dryRun=true", ""])
    refused(await stack.request("POST", `${path}${dry}`), 400, "approver_not_allowed", message);
  expect((await decide(await linkOf(run, "bob"), { decision: "approve" })).status).toBe(200);
  await reaches(stack, run, "completed");
});

test("a link of who approves another gate before it is used decides nothing", async () => {
  const approvers = { approval_approvers: ["ada", "bob"] };
  const other = gate("other", approvers);
  const run = await runOf(stack, [other, gate("gate", { ...approvers, approval_exclude: ["previous_approvers"] })]);
  await Promise.all([opens(stack, run, "gate"), opens(stack, run, "other")]);
  const path = await linkOf(run);
  await ok(stack, "POST", `/v1/workflow-runs/${run.id}/steps/other/approve`);
  const answer = await decide(path, { decision: "approve" });
  expect(answer.status).toBe(400);
  expect(await answer.text()).toContain("they approved another gate of the run");
  expect(await statusOf(run)).toBe("waiting");
  const again = await stack.request("POST", `/v1/workflow-runs/${run.id}/steps/gate/links`);
  refused(again, 400, "approver_not_allowed", /they approved another gate of the run/);
});

test("a form without a button's decision is refused, and a gate with options has a button for each", async () => {
  const run = await waiting({ approval_options: ["ship", "hold"] });
  const path = await linkOf(run);
  expect((await decide(path, {})).status).toBe(400);
  expect((await decide(path, { decision: "approve", comment: "x".repeat(2_001) })).status).toBe(400);
  expect(await (await open(path)).text()).toContain('name="option" value="ship"');
  expect((await decide(path, { option: "hold" })).status).toBe(200);
  await until(async () => (await statusOf(run)) === "completed");
});

test("no token stands in the log, or in the database", async () => {
  const run = await waiting();
  const path = await linkOf(run);
  await open(path);
  const token = path.split("/").at(-1) ?? "";
  const { rows } = await stack.deps.db.query("select row_to_json(approval_links)::text as text from approval_links");
  expect(rows.length).toBeGreaterThan(0);
  expect(rows.map(({ text }) => text).join()).not.toContain(token);
  await until(async () => log.includes("/approve/:token"));
  expect(log).not.toContain(token);
});

test("a gate that its time left open for others is decided by their links", async () => {
  const overdue = {
    approval_timeout_secs: 1,
    approval_on_timeout: "escalate",
    approval_escalation: [{ after_secs: 1, approvers: ["bob"] }],
  };
  const run = await waiting(overdue);
  const approval = `/v1/workflow-runs/${run.id}/steps/gate/approval`;
  await until(async () => (await ok<Approval>(stack, "GET", approval)).escalation_level === 1);
  const path = await linkOf(run, "bob");
  expect((await open(path)).status).toBe(200);
  expect((await decide(path, { decision: "approve" })).status).toBe(200);
  await reaches(stack, run, "completed");
});

test("what is refused does not use up the link", async () => {
  const run = await waiting({ approval_options: ["ship", "hold"] });
  const path = await linkOf(run);
  expect((await decide(path, { option: "sink" })).status).toBe(400);
  expect((await decide(path, { option: "hold" })).status).toBe(200);
  await reaches(stack, run, "completed");
});

test("a link ends after 30 days, and when its person is no approver any more", async () => {
  const run = await waiting({ approval_approvers: ["ada", "bob"] });
  const steps = `/v1/workflow-runs/${run.id}/steps/gate`;
  const { expires_at = "" } = await ok<ApprovalLink>(stack, "POST", `${steps}/links`);
  const days = (Date.parse(expires_at) - Date.now()) / 86_400_000;
  expect(days).toBeGreaterThan(29.9);
  expect(days).toBeLessThanOrEqual(30);
  const path = await linkOf(run);
  await ok(stack, "POST", `${steps}/reassign`, { approvers: ["bob"] });
  const bobs = await linkOf(run, "bob");
  await stack.deps.db.query("update approval_links set expires_at = now() where run_id = $1 and person = 'bob'", [
    run.id,
  ]);
  for (const ended of [path, bobs]) {
    for (const answer of [await open(ended), await decide(ended, { decision: "approve" })]) {
      expect(answer.status).toBe(410);
      expect(await answer.text()).not.toContain(run.id);
    }
  }
  expect(await statusOf(run)).toBe("waiting");
});

test("a form is filled in as JSON, and what does not fit can be mended", async () => {
  const form = {
    type: "object",
    properties: { amount: { type: "number", maximum: 50, title: EVIL } },
    required: ["amount"],
  };
  const run = await waiting({ approval_form: form });
  const path = await linkOf(run);
  const page = await (await open(path)).text();
  expect(page).toContain('<textarea name="values">');
  expect(page).toContain("maximum");
  expect(page).not.toContain("<script");
  for (const [values, words] of [
    ["{amount", "the values are no JSON"],
    ["", "amount"],
    ['{"amount": 51}', "values.amount must be &lt;= 50"],
  ] as const) {
    const answer = await decide(path, { decision: "approve", values });
    expect(answer.status).toBe(400);
    expect(await answer.text()).toContain(words);
  }
  const filledIn = { values: `{"amount": 52, "note": "${EVIL}"}`, comment: `I see: </textarea>${EVIL}` };
  const again = await (await decide(path, { decision: "approve", ...filledIn })).text();
  expect(again).toContain("{&quot;amount&quot;: 52, ");
  expect(again).toContain("I see: &lt;/textarea&gt;&lt;script&gt;");
  expect(again).not.toContain("<script");
  expect(await statusOf(run)).toBe("waiting");
  expect((await decide(path, { decision: "approve", values: '{"amount": 40}' })).status).toBe(200);
  await reaches(stack, run, "completed");
  expect((await getStep(stack, run, "gate")).output).toEqual({ amount: 40 });
});

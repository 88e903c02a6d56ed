import { createHmac } from "node:crypto";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { Delivery, Webhook } from "../../../src/contract/webhooks/webhooks.ts";
import { gate, ok, opens, reaches, runOf } from "../definitions.ts";
import { refused } from "../shapes.ts";
import type { Call } from "../../stack/job-endpoint.ts";
import { type Stack, startStack } from "../../stack/harness.ts";
import { LogLines } from "../../stack/log-lines.ts";
import { until } from "../../stack/until.ts";

const log = new LogLines();
let stack: Stack;
beforeAll(async () => {
  stack = await startStack({ logLevel: "info", logTo: log });
});
afterAll(() => stack.stop());

type Told = { id: string; event: string; workflow_run_id: string; to?: string; approval?: { status: string } };
let paths = 0;
const newPath = () => `/told-${++paths}`;

const hook = (path: string, events: string[], over: object = {}) =>
  ok<Webhook>(stack, "POST", "/v1/webhooks", { events, url: stack.jobs.url(path), ...over });
const told = (path: string, run: { id: string }) =>
  stack.jobs.callsTo(path).filter(({ body }) => (body as unknown as Told).workflow_run_id === run.id);
const eventsTold = (path: string, run: { id: string }) =>
  told(path, run).map(({ body }) => (body as unknown as Told).event);
const deliveries = ({ id }: Webhook, query = "") =>
  ok<Delivery[]>(stack, "GET", `/v1/webhooks/${id}/deliveries${query}`);
const approve = (run: { id: string }) => ok(stack, "POST", `/v1/workflow-runs/${run.id}/steps/gate/approve`);
const waiting = async () => {
  const run = await runOf(stack, [gate("gate")]);
  await opens(stack, run, "gate");
  return run;
};

/** As a receiver checks it. */
function isSigned({ headers, text }: Call, key: Buffer): boolean {
  const signed = `${headers["webhook-id"]}.${headers["webhook-timestamp"]}.${text}`;
  return headers["webhook-signature"] === `v1,${createHmac("sha256", key).update(signed).digest("base64")}`;
}

test("a webhook is made, shown without its secret, changed, listed and deleted", async () => {
  const made = await hook("/crud", ["approval.*"]);
  expect(made.secret).toMatch(/^whsec_/);
  const { secret: _, ...shown } = made;
  expect(await ok(stack, "GET", `/v1/webhooks/${made.id}`)).toEqual(shown);
  expect(await ok<Webhook[]>(stack, "GET", "/v1/webhooks")).toContainEqual(shown);
  const body = { enabled: false, secret: "a secret of my own" };
  expect(await ok(stack, "PATCH", `/v1/webhooks/${made.id}?dryRun=true`, body)).toMatchObject({ dry_run: true });
  expect(await ok(stack, "GET", `/v1/webhooks/${made.id}`)).toEqual(shown);
  const changed = await ok<Webhook>(stack, "PATCH", `/v1/webhooks/${made.id}`, body);
  expect(changed).toMatchObject({ enabled: false, events: ["approval.*"] });
  expect(changed.secret).toBeUndefined();
  expect((await stack.request("DELETE", `/v1/webhooks/${made.id}`)).status).toBe(204);
  refused(await stack.request("GET", `/v1/webhooks/${made.id}`), 404, "not_found", "webhook not found");
});

test.each<[string, object, string]>([
  ["an unknown event", { events: ["approval.guessed"], url: "http://a.example" }, "events[0]"],
  ["no event", { events: [], url: "http://a.example" }, "events"],
  ["no url", { events: ["*"] }, "url"],
  ["no such protocol", { events: ["*"], url: "ftp://a.example" }, "url"],
  ["a short secret", { events: ["*"], url: "http://a.example", secret: "short" }, "secret"],
  ["mail without a server", { events: ["*"], format: "mail" }, "format"],
  ["links of no gates", { events: ["workflow_run.*"], url: "http://a.example", links_for: ["ada"] }, "links_for"],
  ["addresses of no mail", { events: ["*"], url: "http://a.example", mail_to: ["ada@a.example"] }, "mail_to"],
])("refused: %s", async (_, body, field) => {
  const answer = await stack.request<{ error: string; details: string[] }>("POST", "/v1/webhooks", body);
  expect(answer.status).toBe(400);
  expect(answer.body.details.join()).toContain(field);
  // A sentence without the field would say nothing.
  expect(answer.body.error).toMatch(/validation failed|url|mail_to|links_for|SMTP_URL/);
});

test("links for others need approvals:override, and so does each change of a webhook that has them", async () => {
  const token = stack.token({ scopes: ["webhooks:write", "webhooks:read"] });
  const body = { events: ["*"], url: stack.jobs.url("/mine"), links_for: ["*"] };
  const words = "insufficient permissions: requires approvals:override";
  refused(await stack.request("POST", "/v1/webhooks", body, { token }), 403, "forbidden", words);
  const { id } = await ok<Webhook>(stack, "POST", "/v1/webhooks", body);
  const to = { url: stack.jobs.url("/elsewhere") };
  refused(await stack.request("PATCH", `/v1/webhooks/${id}`, to, { token }), 403, "forbidden", words);
  await ok(stack, "DELETE", `/v1/webhooks/${id}`);
});

test("every change is told once, signed, and nothing to who did not ask for it", async () => {
  const [all, some] = [newPath(), newPath()];
  const { secret = "" } = await hook(all, ["*"]);
  await hook(some, ["approval.decided"], { secret: "a secret of my own" });
  const other = await ok<Webhook>(
    stack,
    "POST",
    "/v1/webhooks",
    {
      project_id: "other",
      events: ["*"],
      url: stack.jobs.url("/other"),
    },
    { token: stack.token({ projects: ["other"] }) },
  );
  const run = await waiting();
  await ok(stack, "POST", `/v1/workflow-runs/${run.id}/pause`);
  await ok(stack, "POST", `/v1/workflow-runs/${run.id}/resume`);
  await approve(run);
  await reaches(stack, run, "completed");
  const expected = ["approval.decided", "approval.requested", "workflow_run.completed", "workflow_run.paused"];
  await until(async () => expected.every((event) => eventsTold(all, run).includes(event)));
  await until(async () => told(some, run).length > 0);
  const found = await until(async () => {
    const mine = (await ok<Webhook[]>(stack, "GET", "/v1/webhooks")).filter(({ enabled }) => enabled);
    const open = await Promise.all(mine.map((each) => deliveries(each, "?status=pending")));
    return open.flat().length === 0 && true;
  });
  expect(found).toBe(true);
  const counts = new Map<string, number>();
  for (const event of eventsTold(all, run)) counts.set(event, (counts.get(event) ?? 0) + 1);
  for (const event of expected) expect([event, counts.get(event)]).toEqual([event, 1]);
  const ids = told(all, run).map(({ headers }) => headers["webhook-id"]);
  expect(new Set(ids).size).toBe(ids.length);
  const key = Buffer.from(secret.slice("whsec_".length), "base64");
  expect(told(all, run).every((call) => isSigned(call, key))).toBe(true);
  const [decided] = told(some, run);
  expect(decided && isSigned(decided, Buffer.from("a secret of my own"))).toBe(true);
  expect(decided?.body).toMatchObject({
    event: "approval.decided",
    step_ref: "gate",
    approval: { status: "approved" },
  });
  expect(decided?.text).not.toContain("/approve/");
  expect(stack.jobs.callsTo("/other")).toEqual([]);
  refused(await stack.request("GET", `/v1/webhooks/${other.id}`), 404, "not_found", "webhook not found");
});

test("a change that is mirrored again is not told again", async () => {
  const path = newPath();
  const made = await hook(path, ["*"]);
  const run = await waiting();
  await approve(run);
  await reaches(stack, run, "completed");
  const { rows } = await stack.deps.db.query(
    "select count(*)::int as n from webhook_deliveries where webhook_id = $1",
    [made.id],
  );
  await stack.deps.db.query("update workflow_runs set revision = revision + 1, status = status where id = $1", [
    run.id,
  ]);
  await stack.deps.db.query("update approvals set revision = revision + 1, status = status where run_id = $1", [
    run.id,
  ]);
  const again = await stack.deps.db.query("select count(*)::int as n from webhook_deliveries where webhook_id = $1", [
    made.id,
  ]);
  expect(again.rows).toEqual(rows);
});

test("a receiver that is down gets it once it is up, under the same id", async () => {
  const path = newPath();
  stack.jobs.on(path, (_, nth) => ({ status: nth < 2 ? 503 : 204 }));
  const made = await hook(path, ["approval.requested"]);
  const run = await waiting();
  const [first, second] = await until(async () => told(path, run).length >= 2 && told(path, run));
  expect(second?.headers["webhook-id"]).toBe(first?.headers["webhook-id"]);
  expect(second?.text).toBe(first?.text);
  const [delivery] = await until(async () => {
    const found = await deliveries(made, "?status=delivered");
    return found.length > 0 && found;
  });
  expect(delivery).toMatchObject({ attempts: 2, message_id: first?.headers["webhook-id"] });
  // Its one line, without a stack: a receiver that is down is no bug.
  const lines = log.text.split("\n").filter((line) => line.includes("answered 503") && line.includes(run.id));
  expect(lines.map((line) => JSON.parse(line))).toEqual([
    expect.objectContaining({
      ...{ level: 40, msg: "delivery failed", delivery: delivery?.id, webhook: made.id, event: "approval.requested" },
      ...{ run: run.id, step: "gate", attempt: 1, host: expect.any(String), reason: "the receiver answered 503" },
    }),
  ]);
  expect(log.text).not.toContain("deliverWebhook");
});

test("what a receiver will never take is dead, is listed, and can be sent again", async () => {
  const path = newPath();
  let status = 410;
  stack.jobs.on(path, () => ({ status }));
  const made = await hook(path, ["approval.requested"]);
  const run = await waiting();
  const [dead] = await until(async () => {
    const found = await deliveries(made, "?status=dead");
    return found.length > 0 && found;
  });
  expect(dead).toMatchObject({ workflow_run_id: run.id, last_error: "the receiver answered 410: gone", attempts: 1 });
  const again = `/v1/webhooks/${made.id}/deliveries/${dead?.id}/redeliver`;
  expect(await ok(stack, "POST", `${again}?dryRun=true`)).toMatchObject({ delivery: { status: "pending" } });
  status = 200;
  expect(await ok(stack, "POST", again)).toMatchObject({ status: "pending" });
  await until(async () => (await deliveries(made, "?status=delivered")).length === 1);
  const ids = told(path, run).map(({ headers }) => headers["webhook-id"]);
  expect(ids).toEqual([dead?.message_id, dead?.message_id]);
  const unknown = `/v1/webhooks/${made.id}/deliveries/${run.id}/redeliver`;
  refused(await stack.request("POST", unknown), 404, "not_found", "webhook delivery not found");
});

test("reminders and escalations are told", async () => {
  const path = newPath();
  await hook(path, ["approval.reminder", "approval.escalated"]);
  const run = await runOf(stack, [gate("gate", { approval_escalation: [{ after_secs: 1, approvers: ["bob"] }] })]);
  await until(async () => eventsTold(path, run).includes("approval.escalated"));
  expect(told(path, run)[0]?.body).toMatchObject({ event: "approval.escalated", notify: ["bob"] });
  // As the mirror writes it, which is a minute later at the earliest.
  await stack.deps.db.query("update approvals set reminders = 1 where run_id = $1", [run.id]);
  await until(async () => eventsTold(path, run).includes("approval.reminder"));
  expect(told(path, run)).toHaveLength(2);
  await approve(run);
});

test("a reassignment is told, with a link for who decides now", async () => {
  const path = newPath();
  await hook(path, ["approval.*"], { links_for: ["*"] });
  const run = await waiting();
  await until(async () => eventsTold(path, run).includes("approval.requested"));
  await ok(stack, "POST", `/v1/workflow-runs/${run.id}/steps/gate/reassign`, { approvers: ["bob"], reason: "away" });
  await until(async () => eventsTold(path, run).includes("approval.reassigned"));
  expect(told(path, run)[1]?.body).toMatchObject({
    event: "approval.reassigned",
    approval: { approvers: ["bob"], reassignments: [{ approvers: ["bob"], reason: "away" }] },
    links: [{ person: "bob" }],
  });
  expect(told(path, run)).toHaveLength(2);
});

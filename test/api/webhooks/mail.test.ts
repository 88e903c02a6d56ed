import type { AddressInfo } from "node:net";
import { once } from "node:events";
import { SMTPServer } from "smtp-server";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { Delivery, Webhook } from "../../../src/contract/webhooks/webhooks.ts";
import { createWorkflow, gate, ok, runOf } from "../definitions.ts";
import { type Stack, startStack } from "../../stack/harness.ts";
import { until } from "../../stack/until.ts";

const mails: { to: string; text: string }[] = [];
const refusedOnce = new Set<string>();
const server = new SMTPServer({
  authOptional: true,
  disabledCommands: ["STARTTLS"],
  onRcptTo({ address }, _session, done) {
    if (address.startsWith("gone")) return done(Object.assign(new Error("no such box"), { responseCode: 550 }));
    if (!address.startsWith("flaky") || refusedOnce.has(address)) return done();
    refusedOnce.add(address);
    done(Object.assign(new Error("not now"), { responseCode: 451 }));
  },
  async onData(stream, { envelope }, done) {
    let text = "";
    for await (const chunk of stream) text += chunk;
    mails.push({ to: envelope.rcptTo.map(({ address }) => address).join(), text: text.replaceAll("=\r\n", "") });
    done();
  },
});

let stack: Stack;
beforeAll(async () => {
  const listening = server.listen(0, "127.0.0.1");
  await once(listening, "listening");
  const { port } = listening.address() as AddressInfo;
  stack = await startStack({ logLevel: "silent", smtpUrl: `smtp://127.0.0.1:${port}` });
});
afterAll(async () => {
  await stack.stop();
  server.close();
});

test("each approver who is an address gets a mail of their own, once, with a link of their own", async () => {
  await ok<Webhook>(stack, "POST", "/v1/webhooks", { events: ["approval.requested"], format: "mail" });
  const approvers = ["bob@example.com", "flaky@example.com", "ada", "group:finance"];
  await runOf(stack, [gate("gate", { approval_approvers: approvers, approval_title: "Ship <b>it</b>" })]);
  await until(async () => mails.length >= 2);
  expect(mails.map(({ to }) => to).toSorted()).toEqual(["bob@example.com", "flaky@example.com"]);
  const [bob = { text: "" }, flaky = { text: "" }] = mails;
  expect(bob.text).toContain("text/plain");
  expect(bob.text).toContain("text/html");
  expect(bob.text).toContain("<h2>Approval asked for: Ship &lt;b&gt;it&lt;/b&gt;</h2>");
  const linkIn = (text: string) => /http:\/\/links\.test(\/approve\/[\w-]+)/.exec(text)?.[1] ?? "";
  expect(linkIn(bob.text)).not.toBe(linkIn(flaky.text));
  const page = await (await fetch(`${stack.apiUrl}${linkIn(bob.text)}`)).text();
  expect(page).toContain("<b>bob@example.com</b>");
});

const tellsOf = (to: string, title: string) => mails.filter((mail) => mail.to === to && mail.text.includes(title));

test("an escalation is told to those whom it asks, or whom it names for that, and to nobody else", async () => {
  await ok<Webhook>(stack, "POST", "/v1/webhooks", { events: ["approval.escalated"], format: "mail" });
  const first = { after_secs: 1, approvers: ["boss@example.com"] };
  const second = {
    after_secs: 2,
    approvers: ["group:board", "ceo@example.com"],
    notify: ["board@example.com", "carl"],
  };
  const escalating = { approval_approvers: ["bob@example.com"], approval_escalation: [first, second] };
  await runOf(stack, [gate("gate", { ...escalating, approval_title: "Escalates" })]);
  const subject = "Approval escalated: Escalates";
  // Mails may overtake each other.
  const [board] = await until(async () => {
    const found = tellsOf("board@example.com", subject);
    return found.length > 0 && tellsOf("boss@example.com", subject).length > 0 && found;
  });
  expect(board?.text).not.toContain("/approve/");
  expect(tellsOf("boss@example.com", subject)).toHaveLength(1);
  expect(tellsOf("boss@example.com", subject)[0]?.text).toContain("/approve/");
  for (const other of ["bob@example.com", "ceo@example.com"]) expect(tellsOf(other, subject)).toEqual([]);
});

test("who is excluded from a gate is told of it, and given no link", async () => {
  await ok<Webhook>(stack, "POST", "/v1/webhooks", { events: ["approval.requested"], format: "mail" });
  const of = (step_ref: string, more: object) =>
    gate(step_ref, { approval_approvers: ["ann@example.com", "ben@example.com"], ...more });
  const by = { token: stack.token({ sub: "ann@example.com" }) };
  const workflow = await createWorkflow(stack, [
    of("gate", { approval_title: "Not alone", approval_exclude: ["created_by"] }),
  ]);
  await ok(stack, "POST", `/v1/workflows/${workflow.id}/trigger`, {}, by);
  const [[ann], [ben]] = await until(async () => {
    const found = ["ann@example.com", "ben@example.com"].map((to) => tellsOf(to, "Not alone"));
    return found.every(({ length }) => length > 0) && (found as [typeof mails, typeof mails]);
  });
  expect([ann?.text.includes("/approve/"), ben?.text.includes("/approve/")]).toEqual([false, true]);
});

test("a mail to who does not decide has no link", async () => {
  const body = {
    events: ["workflow_run.completed", "approval.requested"],
    format: "mail",
    mail_to: ["ops@example.com"],
  };
  await ok<Webhook>(stack, "POST", "/v1/webhooks", body);
  await runOf(stack, [gate("gate")]);
  const mail = await until(async () => mails.find(({ to }) => to === "ops@example.com") ?? false);
  expect(mail.text).not.toContain("/approve/");
  expect((await stack.request("POST", "/v1/webhooks", { ...body, mail_to: ["no address"] })).status).toBe(400);
  expect((await stack.request("POST", "/v1/webhooks", { ...body, url: "http://a.example" })).status).toBe(400);
});

test("a mail that nobody would get, or links that none would have, are refused", async () => {
  const draft = { events: ["approval.*"], format: "mail" };
  const refusedAs = (more: object, method = "POST", path = "") =>
    stack.request<{ error?: string }>(method, `/v1/webhooks${path}`, more).then(({ body }) => body.error);
  expect(await refusedAs({ ...draft, links_for: ["*"] })).toBe("links_for is not for mail");
  const ofRuns = { ...draft, events: ["workflow_run.failed", "workflow_run.*"] };
  expect(await refusedAs(ofRuns)).toBe("mail_to is required: a run has no approvers");
  const { id } = await ok<Webhook>(stack, "POST", "/v1/webhooks", { ...draft, links_for: [] });
  expect(await refusedAs({ events: ofRuns.events }, "PATCH", `/${id}`)).toMatch(/^mail_to is required/);
  await ok(stack, "PATCH", `/v1/webhooks/${id}`, { events: ofRuns.events, mail_to: ["ops@example.com"] });
});

test("an address that is refused for good is tried once, and keeps nobody's mail back", async () => {
  const mail_to = ["gone@example.com", "after@example.com"];
  const { id } = await ok<Webhook>(stack, "POST", "/v1/webhooks", { events: ["approval.*"], format: "mail", mail_to });
  await runOf(stack, [gate("gate")]);
  await until(async () => mails.some(({ to }) => to === "after@example.com"));
  const listed = await until(async () => {
    const found = await ok<Delivery[]>(stack, "GET", `/v1/webhooks/${id}/deliveries`);
    return found.every(({ status }) => status !== "pending") && found;
  });
  const of = (address: string) => listed.find(({ recipient }) => recipient === address);
  expect(listed).toHaveLength(2);
  expect(of("after@example.com")).toMatchObject({ status: "delivered", attempts: 1 });
  expect(of("gone@example.com")).toMatchObject({ status: "dead", attempts: 1 });
  expect(of("gone@example.com")?.last_error).toContain("no such box");
});

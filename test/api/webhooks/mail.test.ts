import type { AddressInfo } from "node:net";
import { once } from "node:events";
import { SMTPServer } from "smtp-server";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { Delivery, Webhook } from "../../../src/contract/webhooks/webhooks.ts";
import { gate, ok, runOf } from "../definitions.ts";
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

import { afterAll, beforeAll, expect, test } from "vitest";
import type { Webhook } from "../../../src/contract/webhooks/webhooks.ts";
import { gate, ok, opens, runOf } from "../definitions.ts";
import { type Stack, startStack } from "../../stack/harness.ts";
import { until } from "../../stack/until.ts";

let stack: Stack;
beforeAll(async () => {
  stack = await startStack({ logLevel: "silent" });
});
afterAll(() => stack.stop());

let paths = 0;
const newPath = () => `/told-${++paths}`;
const hook = (path: string, events: string[], over: object) =>
  ok<Webhook>(stack, "POST", "/v1/webhooks", { events, url: stack.jobs.url(path), ...over });

test.each(["slack", "teams"])("%s gets a body of its own, with a link for whom it may", async (format) => {
  const path = newPath();
  await hook(path, ["approval.requested"], { format, links_for: ["ada"] });
  await runOf(stack, [gate("gate", { approval_approvers: ["ada", "bob"], approval_title: "Ship <it> & go" })]);
  const [call] = await until(async () => stack.jobs.callsTo(path).length > 0 && stack.jobs.callsTo(path));
  const body = call?.body as unknown as Record<string, unknown>;
  expect(body.event).toBeUndefined();
  expect(call?.text).toContain("Decide as ada");
  expect(call?.text).not.toContain("Decide as bob");
  if (format === "slack") expect(body).toMatchObject({ text: "Approval asked for: Ship &lt;it&gt; &amp; go" });
  else expect(body).toMatchObject({ type: "message", attachments: [{ content: { type: "AdaptiveCard" } }] });
});

test("a message for people says what was chosen, and by whom", async () => {
  const path = newPath();
  await hook(path, ["approval.decided"], { format: "slack" });
  const run = await runOf(stack, [gate("gate", { approval_options: ["ship", "hold"] })]);
  await opens(stack, run, "gate");
  await ok(stack, "POST", `/v1/workflow-runs/${run.id}/steps/gate/choose`, { option: "hold" });
  const [call] = await until(async () => stack.jobs.callsTo(path).length > 0 && stack.jobs.callsTo(path));
  expect(call?.text).toContain("*Status:* approved\\n*Option:* hold\\n");
  expect(call?.text).toContain("*Decided by:* ada");
});

/** Every object in it that has a text with this in it. */
function* withText(of: unknown, words: string): Generator<Record<string, unknown>> {
  if (typeof of !== "object" || of === null) return;
  if (Object.values(of).some((value) => typeof value === "string" && value.includes(words))) yield { ...of };
  for (const inner of Object.values(of)) yield* withText(inner, words);
}

test.each(["slack", "teams"])("%s: no link, and no call to a channel, is made of what a gate says", async (format) => {
  const path = newPath();
  await hook(path, ["approval.requested"], { format });
  const evil = "<!channel> [x](http://evil.example)";
  const shown = { approval_title: evil, approval_text: evil, approval_approvers: ["[x](http://evil.example)"] };
  await runOf(stack, [gate("gate", shown)]);
  const [call] = await until(async () => stack.jobs.callsTo(path).length > 0 && stack.jobs.callsTo(path));
  const found = [...withText(call?.body, "evil.example")].filter((each) => "type" in each);
  expect(found).toHaveLength(3);
  // Teams makes Markdown of every text but a TextRun's, Slack links and mentions of every text that is not verbatim.
  for (const each of found)
    expect(each).toMatchObject(format === "teams" ? { type: "TextRun" } : { type: "mrkdwn", verbatim: true });
  if (format === "slack") expect(call?.text).not.toContain("<!channel>");
});

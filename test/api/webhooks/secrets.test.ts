import { afterAll, beforeAll, expect, test } from "vitest";
import type { Webhook } from "../../../src/contract/webhooks/webhooks.ts";
import { type Stack, startStack } from "../../stack/harness.ts";

let stack: Stack;
beforeAll(async () => {
  stack = await startStack();
});
afterAll(() => stack.stop());

test("asked again under its Idempotency-Key, the secret is shown to who has set it, and to nobody else", async () => {
  const headers = { "Idempotency-Key": "made-once" };
  const body = { events: ["*"], url: stack.jobs.url("/once") };
  const asked = async (sub: string) => {
    const token = stack.token({ sub, scopes: ["webhooks:write"] });
    const { status, body: made } = await stack.request<Webhook>("POST", "/v1/webhooks", body, { token, headers });
    expect(status).toBe(201);
    return made;
  };
  const made = await asked("ada");
  expect(made.secret).toMatch(/^whsec_/);
  expect(await asked("ada")).toEqual(made);
  const { secret: _, ...shown } = made;
  expect(await asked("bob")).toEqual(shown);
  const token = stack.token({ sub: "bob", scopes: ["webhooks:write"] });
  const change = { secret: "a secret of bob's own" };
  expect((await stack.request("PATCH", `/v1/webhooks/${made.id}`, change, { token })).status).toBe(200);
  expect((await asked("ada")).secret).toBeUndefined();
});

test.each(["whsec_!!!!!!!!!!!!!!!!", "whsec_c2hvcnQgc2VjcmV0", `whsec_${"A".repeat(100)}`])(
  "is no secret: %s",
  async (secret) => {
    const body = { events: ["*"], url: stack.jobs.url("/none"), secret };
    const answer = await stack.request<{ details: string[] }>("POST", "/v1/webhooks", body);
    expect(answer.status).toBe(400);
    expect(answer.body.details.join()).toContain("secret: must be whsec_ and 24 to 64 bytes in base64");
  },
);

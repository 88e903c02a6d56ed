import { afterAll, beforeAll, expect, test } from "vitest";
import type { Webhook } from "../../../src/contract/webhooks/webhooks.ts";
import { ok } from "../definitions.ts";
import { type Stack, startStack } from "../../stack/harness.ts";

let stack: Stack;
beforeAll(async () => {
  stack = await startStack({ worker: false });
});
afterAll(() => stack.stop());

const draft = (over: object = {}) => ({ events: ["*"], url: stack.jobs.url("/told"), ...over });
const hook = () => ok<Webhook>(stack, "POST", "/v1/webhooks", draft());
const TIMES = Array.from({ length: 10 }, (_, n) => n);

test("of ten requests at once under a key all are answered with the one secret that signs", async () => {
  const headers = { "idempotency-key": "ten" };
  const made = await Promise.all(TIMES.map(() => ok<Webhook>(stack, "POST", "/v1/webhooks", draft(), { headers })));
  const again = await ok<Webhook>(stack, "POST", "/v1/webhooks", draft(), { headers });
  expect(made).toEqual(TIMES.map(() => again));
  expect(again.secret).toMatch(/^whsec_/);
});

test("of changes at once none undoes another", async () => {
  for (const _ of TIMES) {
    const { id } = await hook();
    const change = (body: object) => ok(stack, "PATCH", `/v1/webhooks/${id}`, body);
    const url = stack.jobs.url("/moved");
    await Promise.all([change({ enabled: false }), change({ url }), change({ events: ["approval.*"] })]);
    expect(await ok(stack, "GET", `/v1/webhooks/${id}`)).toMatchObject({ enabled: false, url, events: ["approval.*"] });
  }
});

test("a change at once with its deletion does not bring it back", async () => {
  for (const _ of TIMES) {
    const { id } = await hook();
    const path = `/v1/webhooks/${id}`;
    const requests = [["PATCH", { enabled: false }], ["DELETE"], ["PATCH", { enabled: false }]] as const;
    await Promise.all(requests.map(([method, body]) => stack.request(method, path, body)));
    expect((await stack.request("GET", path)).status).toBe(404);
  }
});

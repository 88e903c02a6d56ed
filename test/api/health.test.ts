import { afterAll, beforeAll, expect, test } from "vitest";
import { ok } from "./definitions.ts";
import { type Stack, startStack } from "../stack/harness.ts";

let stack: Stack;
beforeAll(async () => {
  stack = await startStack({ worker: false });
});
afterAll(() => stack.stop());

const open = (path: string) => stack.request<object>("GET", path, undefined, { token: "" });

test("whoever asks how the API is, however often, is answered, and takes nothing from who calls it", async () => {
  for (const path of ["/health", "/health/ready"]) {
    for (let asked = 0; asked < 300; asked += 20) {
      const answers = await Promise.all(Array.from({ length: 20 }, () => open(path)));
      expect(answers.map(({ status }) => status)).toEqual(answers.map(() => 200));
    }
  }
  expect((await open("/health")).body).toEqual({ edition: "community", status: "ok" });
  expect((await open("/health/ready")).body).toMatchObject({
    status: "up",
    components: expect.arrayContaining([{ name: expect.any(String), status: "up", latency_ms: expect.any(Number) }]),
  });
  for (let called = 0; called < 200; called++) await ok(stack, "GET", "/v1/workflow-runs");
});

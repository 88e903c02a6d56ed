import { afterAll, beforeAll, expect, test } from "vitest";
import { refused } from "./shapes.ts";
import { type Stack, startStack } from "../stack/harness.ts";

let stack: Stack;
beforeAll(async () => {
  stack = await startStack({ worker: false, logLevel: "silent" });
});
afterAll(() => stack.stop());

test("what goes wrong in the database is told in our words alone", async () => {
  await stack.deps.db.query("alter table jobs rename column slug to renamed");
  const body = { name: "j", slug: "j", endpoint_url: "http://localhost/" };
  for (const answer of [
    await stack.request("POST", "/v1/jobs", body),
    await stack.request("POST", "/v1/jobs/batch", { jobs: [body] }),
  ])
    expect(JSON.stringify(answer.body)).not.toMatch(/column|slug|relation|select|insert/i);
  const { error, details } = refused(
    await stack.request("POST", "/v1/jobs", body),
    500,
    "internal_error",
    "internal error",
  );
  expect([error, details]).toEqual(["internal error", undefined]);
});

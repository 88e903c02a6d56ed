import { request } from "node:http";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Answered, type Stack, startStack } from "../stack/harness.ts";
import { answered, refused, run } from "./shapes.ts";

let stack: Stack;
beforeAll(async () => {
  stack = await startStack({ worker: false });
});
afterAll(() => stack.stop());

/** A list of runs, asked for with as many Authorization headers as there are tokens. */
function list(tokens: string[], path = "/v1/workflow-runs"): Promise<Answered<unknown>> {
  return new Promise((resolve, reject) => {
    const headers = { Authorization: tokens.map((token) => `Bearer ${token}`) };
    const asked = request(`${stack.apiUrl}${path}`, { headers: tokens.length > 0 ? headers : {} }, async (response) => {
      let text = "";
      for await (const chunk of response.setEncoding("utf8")) text += chunk;
      const shown = new Headers(Object.entries(response.headers).map(([name, value]) => [name, String(value)]));
      resolve({ status: response.statusCode ?? 0, headers: shown, body: JSON.parse(text) });
    });
    asked.on("error", reject).end();
  });
}

describe("two Authorization headers", () => {
  test("are refused: which of them counts is for nobody to guess", async () => {
    const [good, other] = [stack.token(), stack.token({ projects: ["other"] })];
    const bad = `${good}x`;
    for (const tokens of [
      [good, other],
      [good, bad],
      [bad, good],
      [good, good],
    ])
      refused(await list(tokens), 401, "unauthorized", "invalid bearer token");
  });

  test("of which there is one are fine", async () => {
    answered(await list([stack.token()]), 200, run.array());
    refused(await list([]), 401, "unauthorized", "invalid or missing bearer token");
  });
});

test("a token in the query is no credential", async () => {
  const answer = await list([], `/v1/workflow-runs?access_token=${stack.token()}`);
  refused(answer, 401, "unauthorized", "invalid or missing bearer token");
});

test("no answer may be cached, sniffed or framed", async () => {
  const { headers } = await stack.request("GET", "/v1/workflow-runs");
  expect(headers.get("x-content-type-options")).toBe("nosniff");
  expect(headers.get("x-frame-options")).toBe("DENY");
  expect(headers.get("content-security-policy")).toBe("default-src 'none'");
  expect(headers.has("x-powered-by")).toBe(false);
});

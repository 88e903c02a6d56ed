import { request } from "node:http";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import jwt from "jsonwebtoken";
import { send } from "../hostile/raw-http.ts";
import { answered, refused, run } from "../api/shapes.ts";
import { type Answered, type Stack, startStack } from "../stack/harness.ts";
import { until } from "../stack/until.ts";

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

test("a token is refused from the moment it expires, however often it was good before", async () => {
  const token = stack.token({}, 5);
  const expires = Number(jwt.decode(token, { json: true })?.exp) * 1000;
  let lastGood = 0;
  const refusal = await until(async () => {
    const askedAt = Date.now();
    const answer = await list([token]);
    if (answer.status === 200) lastGood = askedAt;
    return answer.status !== 200 && answer;
  });
  expect(lastGood).toBeGreaterThan(0);
  expect(lastGood).toBeLessThan(expires);
  expect(refused(refusal, 401, "unauthorized", "invalid bearer token").details).toEqual(["token: expired"]);
});

test("a token is as good the second time, for the same and for nothing else", async () => {
  const reader = stack.token({ scopes: ["workflows:read"] });
  for (const _ of ["first", "second"]) {
    answered(await list([reader]), 200, run.array());
    refused(await list([reader], "/v1/jobs"), 403, "forbidden", "insufficient permissions: requires jobs:read");
    refused(await list([`${reader}x`]), 401, "unauthorized", "invalid bearer token");
    refused(await list([reader, reader]), 401, "unauthorized", "invalid bearer token");
  }
});

test.each([
  ["a list", () => stack.request("GET", "/v1/workflow-runs")],
  ["an unknown route", () => stack.request("GET", "/nowhere")],
  ["health", () => stack.request("GET", "/health")],
  ["what is no HTTP", () => send(stack, ["GET / HTTP/9.9"])],
])("the answer to %s may not be sniffed or framed", async (_, ask) => {
  const { headers } = await ask();
  expect(headers.get("x-content-type-options")).toBe("nosniff");
  expect(headers.get("x-frame-options")).toBe("DENY");
  expect(headers.get("content-security-policy")).toBe("default-src 'none'");
  expect(headers.get("x-api-version")).toBe("v1");
  expect(headers.has("x-powered-by")).toBe(false);
});

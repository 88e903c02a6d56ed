import { gzipSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { routes } from "../../src/http/routes/index.ts";
import { ok } from "../api/definitions.ts";
import { named, routesOn } from "./routes.ts";
import { expectRefusal, short, STRANGE } from "./text.ts";
import { send } from "./raw-http.ts";
import { expectProblem, refused } from "../api/shapes.ts";
import { type Answered, type Stack, startStack } from "../stack/harness.ts";

const SKIP = "/v1/workflow-runs/:workflowRunID/steps/:stepRef/skip";

let stack: Stack;
const { begin, filled, request } = routesOn(() => stack);
beforeAll(async () => {
  stack = await startStack();
  await begin();
});
afterAll(() => stack.stop());

describe("10 MiB of body are a 413", () => {
  const TEN_MIB = 10 * 1024 * 1024;
  const big = JSON.stringify({ reason: "z".repeat(TEN_MIB) });
  const chunked = `${big.length.toString(16)}\r\n${big}\r\n0\r\n\r\n`;
  const tooLarge = (answer: Answered<unknown>, limit = 1) =>
    refused(answer, 413, "payload_too_large", `request body is larger than ${limit} MiB`);

  test.each(named.filter(([, { method }]) => method !== "get"))(
    "%s",
    async (_, { method, path, maxBytes = () => 2 ** 20 }) => {
      tooLarge(await stack.request(method.toUpperCase(), filled(path), big), maxBytes(stack.config) / 2 ** 20);
    },
  );
  test("in chunks, too", async () => {
    tooLarge(await request("POST", filled(SKIP), ["Transfer-Encoding: chunked"], chunked));
  });
  test("compressed, too", async () => {
    tooLarge(await request("POST", filled(SKIP), ["Content-Encoding: gzip"], gzipSync(big)));
  });
  test("and one byte above 1 MiB; 1 MiB is not", async () => {
    const triggered = (body: string) => stack.request("POST", filled("/v1/workflows/:workflowID/trigger"), body);
    const ofLength = (length: number) => `{"payload":"${"z".repeat(length - 14)}"}`;
    tooLarge(await triggered(ofLength(1_048_577)));
    expect((await triggered(ofLength(1_048_576))).status).toBe(202);
  });
});

describe("a method", () => {
  const paths = [...new Set(routes.map(({ path }) => path))];

  // A word of a path is no parameter's value: bulk-cancel is no run's id, for any method.
  test.each(paths)("that %s does not have is a 405 that says which it has", async (path) => {
    const has = routes.filter((route) => route.path === path).map(({ method }) => method.toUpperCase());
    const allow = has.flatMap((method) => (method === "GET" ? ["GET", "HEAD"] : [method])).sort();
    for (const method of ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "PROPFIND", "TRACE"].filter(
      (each) => !has.includes(each),
    )) {
      const answer = await request(method, filled(path));
      refused(answer, 405, "method_not_allowed", "method not allowed");
      expect(answer.headers.get("allow")?.split(", ").sort(), method).toEqual(allow);
    }
  });

  test.each(paths)("HEAD of %s is a GET without the body", async (path) => {
    const [head, get] = [await request("HEAD", filled(path)), await request("GET", filled(path))];
    expect({ status: head.status, body: head.body }).toEqual({ status: get.status, body: "" });
    expect(head.headers.get("x-request-id")).toBeTruthy();
  });
});

describe("a header", () => {
  const latin = (text: string) => Buffer.from(text).toString("latin1");
  const texts = [...STRANGE.map(latin), "\0", "a\0b", "\x1b[2J", "\x7f", "x".repeat(5_000), "a, b", "{}", "\t"];

  test("X-Request-Id is echoed where it can be logged, and replaced where not", async () => {
    for (const text of texts) {
      const answer = await request("GET", "/v1/nope", [`X-Request-Id: ${text}`]);
      expectRefusal(answer, short(text));
      const echoed = answer.headers.get("x-request-id") === text.trim();
      expect(echoed, short(text)).toBe(/^[\x20-\x7e]{1,128}$/.test(text.trim()));
    }
  });

  test("Authorization of any text is a 401, or no HTTP", async () => {
    for (const text of texts.flatMap((each) => [each, `Bearer ${each}`, `Bearer ${each}.${each}.${each}`])) {
      const answer = await request("GET", "/v1/workflow-runs", [`Authorization: ${text}`]);
      expectRefusal(answer, short(text));
      expect([400, 401], short(text)).toContain(answer.status);
    }
  });

  test.each(named.filter(([, { method }]) => method === "post"))("Idempotency-Key on %s", async (_, { path }) => {
    for (const name of ["Idempotency-Key", "X-Idempotency-Key"])
      for (const text of texts) {
        const answer = await request("POST", filled(path, { stepRef: "gate" }), [`${name}: ${text}`]);
        if (answer.status >= 300) expectRefusal(answer, short(text));
      }
  });

  test("Expect of what nobody knows is no reason to refuse, nor is a missing Host", async () => {
    expect((await request("GET", "/health", ["Expect: miracles"])).status).toBe(200);
    expect((await send(stack, ["GET /health HTTP/1.1", "Connection: close"])).status).toBe(200);
  });

  test("Content-Type and Accept of any text mean nothing", async () => {
    for (const name of [
      "Content-Type",
      "Accept",
      "Accept-Encoding",
      "If-None-Match",
      "X-Forwarded-For",
      "Cookie",
      "Origin",
    ])
      for (const text of texts) {
        const answer = await request("GET", filled("/v1/workflows/:workflowID"), [`${name}: ${text}`]);
        if (answer.status !== 200) expect(expectProblem(answer).error, short(text)).toBe("malformed HTTP request");
      }
  });

  test.each([
    ["an unknown Content-Encoding", ["Content-Encoding: nope"], "{}"],
    ["a Content-Encoding that the body is not in", ["Content-Encoding: gzip"], "{}"],
    ["a Content-Length that is no number", ["Content-Length: nope"], "{}"],
    ["a negative Content-Length", ["Content-Length: -1"], "{}"],
    ["two Content-Lengths", ["Content-Length: 2", "Content-Length: 3"], "{}"],
    ["a length and chunks at once", ["Content-Length: 2", "Transfer-Encoding: chunked"], "2\r\n{}\r\n0\r\n\r\n"],
    ["an unknown Transfer-Encoding", ["Transfer-Encoding: nope"], "{}"],
    ["chunks of no length", ["Transfer-Encoding: chunked"], "zz\r\n{}\r\n0\r\n\r\n"],
    ["a header without a name", [": nameless"], "{}"],
    ["a header without a colon", ["nothing"], "{}"],
    ["16 KiB and more of headers", [`X-Long: ${"x".repeat(20_000)}`], "{}"],
  ])("%s is a clear refusal", async (_, headers, body) => {
    expectRefusal(await request("POST", filled(SKIP), headers, body), headers.join());
  });

  test.each([
    ["no HTTP at all", ["hello"]],
    ["an unknown method", ["FOO /health HTTP/1.1", "Host: x"]],
    ["a lower-case method", ["get /health HTTP/1.1", "Host: x"]],
    ["another version", ["GET /health HTTP/9.9", "Host: x"]],
    ["a path without a slash", ["GET health HTTP/1.1", "Host: x", "Connection: close"]],
    ["a path with a NUL", ["GET /a\0b HTTP/1.1", "Host: x"]],
    ["a path with a space", ["GET /a b HTTP/1.1", "Host: x"]],
    ["no Host", ["GET /v1/workflows HTTP/1.1", "Connection: close"]],
    ["a tunnel", ["CONNECT example.com:443 HTTP/1.1", "Host: x", "Connection: close"]],
  ])("%s is a clear refusal", async (_, lines) => {
    expectRefusal(await send(stack, lines), lines.join());
  });
});

test("after all of it the API is well", async () => {
  expect(await ok(stack, "GET", "/health/ready")).toMatchObject({ status: "up" });
});

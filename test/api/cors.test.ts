import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createApp } from "../../src/http/app.ts";
import { serve } from "../../src/runtime/http-server.ts";
import { refused } from "./shapes.ts";
import { requestTo, type Stack, startStack } from "../stack/harness.ts";

const OURS = "https://app.example";
const THEIRS = "https://elsewhere.example";

let stack: Stack;
const closes: (() => Promise<void>)[] = [];
beforeAll(async () => {
  stack = await startStack({ worker: false });
});
afterAll(async () => {
  for (const close of closes) await close();
  await stack.stop();
});

/** The same API, for pages of these origins. */
async function apiFor(corsOrigins: string[]) {
  const deps = { ...stack.deps, config: { ...stack.config, corsOrigins } };
  const { port, close } = await serve(createApp(deps, { checksAnswers: true }), "127.0.0.1", 0);
  closes.push(close);
  return requestTo(`http://127.0.0.1:${port}`, stack.token);
}

const preflight = (origin: string) => ({
  token: "",
  headers: {
    origin,
    "access-control-request-method": "POST",
    "access-control-request-headers": "authorization,content-type",
  },
});
const allowed = ({ headers }: { headers: Headers }) => headers.get("access-control-allow-origin");

test("by default no page is let in", async () => {
  const options = await stack.request("OPTIONS", "/v1/workflows", undefined, preflight(OURS));
  refused(options, 405, "method_not_allowed", "method not allowed");
  const answer = await stack.request("GET", "/v1/workflows", undefined, { headers: { origin: OURS } });
  expect([allowed(options), allowed(answer), answer.headers.get("vary")]).toEqual([null, null, null]);
});

describe("with an origin", () => {
  let request: Awaited<ReturnType<typeof apiFor>>;
  beforeAll(async () => {
    request = await apiFor([OURS]);
  });

  test("its pages may ask, without a token, what they may send", async () => {
    const answer = await request("OPTIONS", "/v1/workflows", undefined, preflight(OURS));
    expect({ status: answer.status, body: answer.body }).toEqual({ status: 204, body: "" });
    const shown = Object.fromEntries(answer.headers);
    expect(shown).toMatchObject({ "access-control-allow-origin": OURS, vary: "Origin" });
    expect(shown["access-control-allow-methods"]).toContain("DELETE");
    expect(shown["access-control-allow-headers"]).toContain("Authorization, Content-Type, Idempotency-Key");
    expect(shown["x-request-id"]).toBeTruthy();
    expect(shown["content-length"]).toBeUndefined();
  });

  test("its pages see answers and refusals, and the headers of both", async () => {
    for (const path of ["/v1/workflows", "/v1/workflows?nonsense=1", "/nowhere", "/openapi.json"]) {
      const answer = await request("GET", path, undefined, { headers: { origin: OURS } });
      expect(allowed(answer)).toBe(OURS);
      const exposed = answer.headers.get("access-control-expose-headers");
      for (const name of ["X-Request-Id", "X-Next-Cursor", "X-Has-More", "Link", "Location", "Retry-After"])
        expect(exposed).toContain(name);
      for (const name of ["X-Ignored-Fields", "X-Left-Out"]) expect(exposed).toContain(name);
    }
  });

  test("nobody else's do", async () => {
    const answer = await request("GET", "/v1/workflows", undefined, { headers: { origin: THEIRS } });
    expect({ status: answer.status, origin: allowed(answer) }).toEqual({ status: 200, origin: null });
    expect(answer.headers.get("vary")).toBe("Origin");
    const options = await request("OPTIONS", "/v1/workflows", undefined, preflight(THEIRS));
    expect(allowed(options)).toBeNull();
    refused(options, 405, "method_not_allowed", "method not allowed");
  });

  test("OPTIONS that is no preflight is a method like any", async () => {
    const answer = await request("OPTIONS", "/v1/workflows", undefined, { headers: { origin: OURS } });
    refused(answer, 405, "method_not_allowed", "method not allowed");
  });
});

test("* lets any page in", async () => {
  const request = await apiFor(["*"]);
  expect(allowed(await request("OPTIONS", "/v1/workflows", undefined, preflight(THEIRS)))).toBe("*");
  const answer = await request("GET", "/v1/workflows", undefined, { headers: { origin: THEIRS } });
  expect([allowed(answer), answer.headers.get("vary")]).toEqual(["*", null]);
});

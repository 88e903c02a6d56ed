import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { named, neededBy, routesOn } from "./routes.ts";
import { each, expectRefusal, pairs, REFUSED, short, STRANGE } from "./text.ts";
import { refused } from "../api/shapes.ts";
import { type Stack, startStack } from "../stack/harness.ts";

let stack: Stack;
const { begin, filled, request } = routesOn(() => stack);
beforeAll(async () => {
  stack = await startStack();
  await begin();
});
afterAll(() => stack.stop());

describe("a query", () => {
  const lists = named.filter(([, { method, path }]) => method === "get" && /s$/.test(path));
  const names = ["project_id", "status", "limit", "cursor", "envelope", "tag_key", "tag_value"];
  const encoded = [
    ...[...STRANGE, ...REFUSED.slice(0, 6), "x".repeat(5_000)].map(encodeURIComponent),
    ...["%", "%zz", "%ed%a0%80", "%ff", "a&", "1%2C2", "-1", "0", "1.5", "1e3", "0x10", "99999999999999999999999999"],
    ...[
      "NaN",
      "2026-13-45T99:99:99Z",
      "0000-01-01T00:00:00Z",
      "9999-12-31T23:59:59.999999999Z",
      "MTAwMDAwMDAwMDAwMDAwIA",
    ],
  ];
  test.each(lists)("%s takes it or refuses it, whatever it holds", async (_, { path }) => {
    await each(pairs(names, encoded), async ([name, value]) => {
      const answer = await request("GET", `${filled(path)}?${name}=${value}`);
      if (answer.status !== 200) expectRefusal(answer, `${name}=${value.slice(0, 60)}`);
    });
  });

  test.each([
    ["limit=0", "limit must be a positive integer"],
    ["limit=-1", "limit must be a positive integer"],
    ["limit=1.5", "limit must be a positive integer"],
    ["limit=ten", "limit must be a positive integer"],
    ["limit=1&limit=2", /^limit /],
    ["cursor=yesterday", "cursor must be a valid RFC3339 timestamp"],
    ["cursor=%00", "cursor must be a valid RFC3339 timestamp"],
    ["status=nope", "status is invalid"],
    ["status=running&status=nope", "status is invalid"],
    ["tag_key=a&tag_key=b", /^tag_key /],
    ["project_id=demo&project_id=other", /^project_id /],
    ["envelope=yes", "envelope must be true or false"],
    ["tag_value=a", "tag_key is required when tag_value is provided"],
    ["tag_key=%00", /^tag_key must not contain control characters/],
    ["tag_key=a&tag_value=a%0Ab", /^tag_value must not contain control characters/],
  ])("of runs, ?%s, is refused in clear words", async (query, error) => {
    refused(await stack.request("GET", `/v1/workflow-runs?${query}`), 400, "validation_error", error);
  });

  test("of 100,000 characters is a 400", async () => {
    const answer = await request("GET", `/v1/workflow-runs?tag_key=${"x".repeat(100_000)}`);
    refused(answer, 400, "validation_error", "request line and headers are too long");
  });
});

describe("a path", () => {
  const withParams = named.filter(([, { path }]) => path.includes(":"));
  const texts = [...STRANGE.filter((text) => text !== ""), ...REFUSED.slice(0, 6), "x".repeat(5_000), "a/b", ".", ".."];
  const malformed = ["%", "%zz", "%E0%A4%A", "%ff", "%c0%ae", "%ed%a0%80"];
  const paramsOf = (path: string) => [...path.matchAll(/:(\w+)/g)].map(([, name = ""]) => name);

  test.each(withParams)("of %s with hostile text is of something unknown", async (_, { method, path }) => {
    await each(pairs(paramsOf(path), texts), async ([name, text]) => {
      const url = filled(path, { [name]: encodeURIComponent(text) });
      const answer = await request(method.toUpperCase(), url, undefined, neededBy(path));
      // No key begins so.
      if (name === "prefix" && answer.status === 200) return expect(answer.body).toMatchObject({ resolved: 0 });
      expectRefusal(answer, short(text));
      const thing = name === "stepRef" ? /^(workflow step run|step|approval) not found/ : / not found$/;
      if (name !== "eventKey" && name !== "prefix") refused(answer, 404, "not_found", thing);
    });
  });

  test.each(withParams)("of %s with malformed percent-encoding is a 400", async (_, { method, path }) => {
    for (const name of paramsOf(path))
      for (const text of malformed)
        refused(
          await request(method.toUpperCase(), filled(path, { [name]: text })),
          400,
          "validation_error",
          "malformed percent-encoding in path",
        );
  });

  test.each(withParams)("of %s with 100,000 characters is a 400", async (_, { method, path }) => {
    for (const name of paramsOf(path)) {
      const answer = await request(method.toUpperCase(), filled(path, { [name]: "x".repeat(100_000) }));
      refused(answer, 400, "validation_error", "request line and headers are too long");
    }
  });

  test.each([
    "/",
    "/v1",
    "/v2/workflows",
    "/V1/workflows",
    "//v1/workflows",
    "/v1//workflows",
    "/favicon.ico",
    "/v1/../health",
    "/%00",
    "*",
  ])("that is no route's is a 404: %s", async (path) => {
    for (const method of ["GET", "POST", "DELETE", "OPTIONS"])
      refused(await request(method, path), 404, "not_found", "no such route");
  });
});

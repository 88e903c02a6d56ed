import { afterAll, beforeAll, expect, test } from "vitest";
import { openApi } from "../../src/http/openapi.ts";
import { routes } from "../../src/http/routes/index.ts";
import { refused } from "./shapes.ts";
import { type Stack, startStack } from "../stack/harness.ts";

let stack: Stack;
beforeAll(async () => {
  stack = await startStack({ worker: false });
});
afterAll(() => stack.stop());

const open = (path: string, headers = {}) => stack.request("GET", path, undefined, { token: "", headers });

test("/openapi.json is the document, for everybody, and a 304 for who has it", async () => {
  const answer = await open("/openapi.json");
  expect(answer).toMatchObject({ status: 200, body: JSON.parse(JSON.stringify(openApi(routes))) });
  expect(answer.headers.get("cache-control")).toBe("no-cache");
  expect(answer.headers.get("x-request-id")).toBeTruthy();
  // Without a say of its own, fetch asks past every cache.
  const cached = { "if-none-match": answer.headers.get("etag"), "cache-control": "max-age=0" };
  const again = await open("/openapi.json", cached);
  expect(again.status).toBe(304);
  refused(await open("/openapi.json?nonsense=1"), 400, "validation_error", "unknown query parameter nonsense");
});

test("/docs is a page that loads what it needs from here alone, and runs nothing inline", async () => {
  const page = await open("/docs");
  expect(page.status).toBe(200);
  expect(page.headers.get("content-type")).toMatch(/^text\/html/);
  const policy = page.headers.get("content-security-policy");
  expect(policy).toContain("default-src 'none'; script-src 'self';");
  const html = String(page.body);
  expect(html).not.toMatch(/<script(?![^>]* src=)|\son\w+=/);
  const files = [...html.matchAll(/(?:src|href)="(?!data:)([^"]+)"/g)].map(([, file = ""]) => file);
  expect(files).toHaveLength(3);
  for (const file of files) expect(await open(file)).toMatchObject({ status: 200 });
  expect((await open("/docs/initializer.js")).body).toContain('"/openapi.json"');
});

test.each(["/docs/package.json", "/docs/../package.json", "/docs/%2e%2e/package.json"])(
  "%s is no file of it",
  async (path) => {
    refused(await open(path), 404, "not_found", "no such route");
  },
);

test("below /envelope everything is as without, and lists are enveloped", async () => {
  const slugs = ["a", "b", "c"];
  for (const slug of slugs)
    await stack.request("POST", "/envelope/v1/jobs", { name: slug, slug, endpoint_url: stack.jobs.url("/x") });
  type Page = { data: { slug: string }[]; has_more: boolean; next_cursor?: string };
  const first = await stack.request<Page>("GET", "/envelope/v1/jobs?limit=2");
  expect(first.body).toMatchObject({ data: [{ slug: "c" }, { slug: "b" }], has_more: true });
  const [, next = ""] = /<(.*)>/.exec(first.headers.get("link") ?? "") ?? [];
  expect(next).toMatch(/^\/envelope\/v1\/jobs\?/);
  const last = await stack.request<Page>("GET", next);
  expect(last.body).toMatchObject({ data: [{ slug: "a" }], has_more: false });
  expect(last.body).not.toHaveProperty("next_cursor");

  expect((await stack.request<Page>("GET", "/envelope/v1/jobs?envelope=false")).body.data).toHaveLength(3);
  expect((await stack.request("GET", "/v1/jobs")).body).toHaveLength(3);
  expect(await open("/envelope/health")).toMatchObject({ status: 200, body: { status: "ok" } });
  for (const path of ["/envelope", "/envelope/", "/envelope/envelope/v1/jobs", "/envelopes/v1/jobs"])
    refused(await open(path), 404, "not_found", "no such route");
});

import { once } from "node:events";
import { connect } from "node:net";
import { gzipSync } from "node:zlib";
import pMap from "p-map";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { z } from "zod";
import { createWorkflowBody } from "../../src/contract/create-workflow.ts";
import { createJobBody } from "../../src/contract/jobs.ts";
import { parseJson } from "../../src/contract/json.ts";
import { stepInput } from "../../src/contract/steps.ts";
import { triggerBody } from "../../src/contract/trigger.ts";
import { approveBody, bulkBody, reasonBody, resultBody, sendEventBody } from "../../src/contract/verbs.ts";
import { routes } from "../../src/http/routes/index.ts";
import { findWaitingTrigger } from "../../src/store/event-triggers.ts";
import { type Answered, type Stack, startStack } from "../stack/harness.ts";
import { until } from "../stack/until.ts";
import { createJob, createWorkflow, gate, ok, runOf, wait } from "./definitions.ts";
import { expectProblem, refused } from "./shapes.ts";

type Path = (string | number)[];
type Members = Record<string, unknown>;

/** No line of text may hold any of these. */
const REFUSED = ["\0", "a\0b", "\x1b[2J", "a\r\nb: c", "\x7f", "\u0085", "\ud800", "\udc00a", "x".repeat(100_000)];
/** Fine wherever any text is. */
const STRANGE = [
  ...["😀", "e\u0301", "\u202etxt.exe", "\u2028", "\ufeff", "\uffff", "", " ", "__proto__", "constructor", "toString"],
  ...["'); drop table runs; --", "{{payload.x}}", "#{1+1}", "../../etc/passwd", "%00", "<script>", "null", "\\u0000"],
];
const UNKNOWN = "01900000-0000-7000-8000-000000000000";

let stack: Stack;
let ids: Record<string, string>;
let steps = 0;

beforeAll(async () => {
  stack = await startStack();
  const job = await createJob(stack);
  const manySteps = Array.from({ length: 100 }, (_, i) => gate(`gate-${i}`, { depends_on: i ? ["gate-0"] : [] }));
  const [one, many] = [await createWorkflow(stack, [gate("gate")]), await createWorkflow(stack, manySteps)];
  const run = await ok<{ id: string }>(stack, "POST", `/v1/workflows/${many.id}/trigger`);
  ids = {
    jobID: job.id,
    workflowID: one.id,
    workflowRunID: run.id,
    runID: UNKNOWN,
    stepRef: "gate-1",
    eventKey: "key",
  };
});
afterAll(() => stack.stop());

let made = 0;
const fresh = () => `fresh-${++made}`;
const filled = (path: string, over: Record<string, string> = {}) =>
  path.replace(/:(\w+)/g, (_, name) => over[name] ?? ids[name] ?? "");
/** A step that no other request has taken. */
const nextStep = () => ({ stepRef: `gate-${++steps}` });

const draftJob = () => ({
  project_id: "demo",
  name: "name",
  slug: fresh(),
  description: "text",
  tags: { team: "a" },
  endpoint_url: stack.jobs.url("/job"),
  fallback_endpoint_url: stack.jobs.url("/fallback"),
  max_attempts: 1,
  timeout_secs: 1,
  payload_schema: {},
  result_schema: {},
  max_concurrency: 1,
  run_ttl_secs: 1,
  retry_strategy: "fixed",
  retry_delays_secs: [1],
  cron: "@daily",
  timezone: "UTC",
  environment_id: "env",
  version_policy: "pin",
  execution_mode: "http",
});
const draftWorkflow = () => ({
  project_id: "demo",
  name: "name",
  slug: fresh(),
  description: "text",
  tags: { team: "a" },
  enabled: true,
  timeout_secs: 1,
  max_concurrent_runs: 1,
  max_parallel_steps: 1,
  cron: "@daily",
  cron_timezone: "UTC",
  timezone: "UTC",
  skip_if_running: false,
  version_policy: "pin",
  environment_id: "env",
  max_attempts: 1,
  retry_strategy: "fixed",
  webhook_url: "http://example.com",
  webhook_secret: "secret",
  steps: [
    {
      step_ref: "job",
      step_type: "job",
      job_id: ids.jobID,
      on_failure: "continue",
      payload: {},
      retry_max_attempts: 1,
      retry_backoff: "fixed",
      retry_initial_delay_secs: 1,
      retry_max_delay_secs: 1,
      timeout_secs_override: 1,
      output_transform: "a.b",
      event_emit_key: "emitted",
      concurrency_key: "one",
      resource_class: "small",
    },
    {
      step_ref: "gate",
      step_type: "approval",
      depends_on: ["job"],
      condition: { type: "step_status", step_ref: "job", status: "completed" },
      approval_approvers: ["ada"],
      approval_timeout_secs: 1,
    },
    { step_ref: "other gate".replace(" ", "-"), type: "approval", approvers: ["ada"], timeout_secs: 1 },
    {
      step_ref: "wait",
      step_type: "wait_for_event",
      event_key: "key",
      event_timeout_secs: 1,
      event_notify_url: "http://example.com",
    },
    { step_ref: "sleep", step_type: "sleep", sleep_duration_secs: 1 },
    { step_ref: "nap", step_type: "sleep", sleep_duration: "1s" },
    { step_ref: "sub", step_type: "sub_workflow", sub_workflow_id: ids.workflowID, max_nesting_depth: 1 },
  ],
});
const draftTrigger = () => ({
  project_id: "demo",
  payload: {},
  triggered_by: "test",
  labels: { label: "a" },
  tags: { team: "a" },
  step_overrides: [{ step_ref: "gate", enabled: true }],
  idempotency_key: fresh(),
  priority: 1,
  dry_run: false,
  metadata: {},
});

interface BodyOf {
  route: string;
  schema: z.ZodType;
  /** A good body with every field in it. */
  draft: () => Members;
  params?: () => Record<string, string>;
  /** Where what was accepted can be read again. */
  readAt?: (answer: Members, params: Record<string, string>) => string;
  /** Fields that are read under another name, or nowhere. */
  notShown?: string[];
}
const STEP = "/v1/workflow-runs/:workflowRunID/steps/:stepRef";
const stepsOfRun = () => `/v1/workflow-runs/${ids.workflowRunID}/steps`;
const bulk = () => ({ workflow_run_ids: [UNKNOWN] });

const BODIES: BodyOf[] = [
  {
    route: "/v1/workflows",
    schema: createWorkflowBody,
    draft: draftWorkflow,
    readAt: ({ id }) => `/v1/workflows/${id}`,
    notShown: ["type", "timezone", "approvers", "sleep_duration"],
  },
  { route: "/v1/jobs", schema: createJobBody, draft: draftJob, readAt: ({ id }) => `/v1/jobs/${id}` },
  {
    route: "/v1/workflows/:workflowID/trigger",
    schema: triggerBody,
    draft: draftTrigger,
    readAt: ({ id }) => `/v1/workflow-runs/${id}`,
    notShown: ["labels", "idempotency_key", "step_overrides"],
  },
  { route: `${STEP}/approve`, schema: approveBody, draft: () => ({ approver: "bob" }) },
  { route: `${STEP}/reject`, schema: reasonBody, draft: () => ({ reason: "text" }) },
  {
    route: `${STEP}/skip`,
    schema: reasonBody,
    draft: () => ({ reason: "text" }),
    params: nextStep,
    readAt: stepsOfRun,
  },
  { route: `${STEP}/force-complete`, schema: resultBody, draft: () => ({ result: {} }), params: nextStep },
  { route: "/v1/workflow-runs/bulk-cancel", schema: bulkBody, draft: bulk },
  { route: "/v1/workflow-runs/bulk-replay", schema: bulkBody, draft: bulk },
  { route: "/v1/events/:eventKey/send", schema: sendEventBody, draft: () => ({ payload: {} }) },
];
const cases = BODIES.map((body) => [`POST ${body.route}`, body] as const);

/** Any JSON is welcome in the first; nobody looks at the second, which published clients send. */
const DOCUMENTS = ["payload", "payload_schema", "result_schema", "result", "condition"];
const IGNORED_FIELDS: Record<string, string[]> = {
  "/v1/workflows": ["environment_id", "max_attempts", "retry_strategy", "webhook_url", "webhook_secret"],
  "/v1/workflows/:workflowID/trigger": ["priority", "dry_run", "metadata"],
};
const MAPS = ["tags", "labels"];

/** Every place in a draft, except inside of what may be anything. */
function* places(value: unknown, free: string[], path: Path = []): Generator<{ path: Path; value: unknown }> {
  if (path.length > 0) yield { path, value };
  if (typeof value !== "object" || value === null) return;
  for (const [key, member] of Object.entries(value))
    if (!free.includes(key)) yield* places(member, free, [...path, Array.isArray(value) ? Number(key) : key]);
}
const placesIn = ({ route, draft }: BodyOf) => [...places(draft(), [...DOCUMENTS, ...(IGNORED_FIELDS[route] ?? [])])];
const written = (path: Path) =>
  path
    .map((key) => (typeof key === "number" ? `[${key}]` : `.${key}`))
    .join("")
    .replace(/^\./, "");

function withValue(whole: unknown, [key, ...rest]: Path, value: unknown): unknown {
  if (key === undefined) return value;
  const copy = Array.isArray(whole) ? [...whole] : { ...(whole as Members) };
  // Not an assignment: "__proto__" shall be a member like any other.
  Object.defineProperty(copy, key, {
    value: withValue(Reflect.get(copy, key), rest, value),
    enumerable: true,
    configurable: true,
    writable: true,
  });
  return copy;
}
const at = (whole: unknown, path: Path): unknown =>
  path.reduce<unknown>(
    (value, key) => (Object.hasOwn(Object(value), key) ? Reflect.get(Object(value), key) : undefined),
    whole,
  );

const post = (route: string, body: string, params?: Record<string, string>) =>
  stack.request<Members>("POST", filled(route, params), body);

/** What a client's mistake is answered: some 4xx, complete, and no longer than it has to be. */
function expectRefusal(answer: Answered<unknown>, label: string): void {
  expect(answer.status, label).toBeGreaterThanOrEqual(400);
  expect(answer.status, label).toBeLessThan(500);
  expectProblem(answer);
  expect(JSON.stringify(answer.body).length, label).toBeLessThan(10_000);
}

/** All of them, some at a time. */
const each = <Item>(items: Iterable<Item>, ask: (item: Item) => Promise<void>) => pMap(items, ask, { concurrency: 12 });
function* pairs<A, B>(some: Iterable<A>, others: Iterable<B>): Generator<[A, B]> {
  for (const one of some) for (const other of others) yield [one, other];
}
const short = (value: unknown) => (JSON.stringify(value) ?? "undefined").slice(0, 60);

function fieldsOf(schema: z.core.$ZodType): string[] {
  if (schema instanceof z.ZodPipe) return [...fieldsOf(schema.in), ...fieldsOf(schema.out)];
  return schema instanceof z.ZodObject ? Object.keys(schema.shape) : [];
}

describe("the drafts of this file", () => {
  test.each(cases)("%s: every field of its schema is in it, and it is taken", (_, { schema, draft }) => {
    const body = draft();
    expect(Object.keys(body).sort()).toEqual(fieldsOf(schema).sort());
    expect(schema.safeParse(body).error).toBeUndefined();
    if (schema === createWorkflowBody)
      expect([...new Set(draftWorkflow().steps.flatMap(Object.keys))].sort()).toEqual(fieldsOf(stepInput).sort());
  });
});

describe("a value of the wrong type is a 400 that names the field", () => {
  const values = [true, 7, 1.5, "text", [], [7], {}, { a: 7 }];
  const kind = (value: unknown) => (Array.isArray(value) ? "array" : Number(value) === 1.5 ? "fraction" : typeof value);
  // The published clients' own form of it.
  const welcome = (path: Path, value: unknown) => written(path) === "step_overrides" && short(value) === "{}";

  test.each(cases)("%s", async (_, body) => {
    for (const { path, value } of placesIn(body)) {
      const nulls = typeof path.at(-1) === "number" || MAPS.includes(String(path.at(-2))) ? [null] : [];
      for (const wrong of [...values, ...nulls].filter(
        (other) => kind(other) !== kind(value) && !welcome(path, other),
      )) {
        const label = `${written(path)}: ${short(wrong)}`;
        const answer = await post(body.route, JSON.stringify(withValue(body.draft(), path, wrong)));
        expect(answer, label).toMatchObject({ status: 400 });
        const { details = [] } = refused(answer, 400, "validation_error", /^(invalid request body|validation failed)$/);
        expect(
          details.some((detail) => detail.startsWith(written(path))),
          `${label}: ${details}`,
        ).toBe(true);
      }
    }
  });

  test.each(cases)("%s: and a body that is no object", async (_, { route }) => {
    for (const body of ["[]", "7", '"text"', "true", "[{}]"])
      refused(await post(route, body), 400, "validation_error", "invalid request body");
  });
});

test.each(cases)("an unknown field is a 400 that names it: %s", async (_, body) => {
  const objects = [{ path: [], value: body.draft() }, ...placesIn(body)].filter(
    ({ path, value }) => Object(value) === value && !Array.isArray(value) && !MAPS.includes(String(path.at(-1))),
  );
  for (const { path } of objects)
    for (const name of ["nope", "__proto__", "constructor", "toString", ""]) {
      const where = written([...path, name]) || "body";
      const answer = await post(body.route, JSON.stringify(withValue(body.draft(), [...path, name], { a: 1 })));
      expect(refused(answer, 400, "validation_error", "invalid request body").details).toEqual([
        `${where}: unknown field`,
      ]);
    }
});

describe("a body that is not JSON", () => {
  const bytes = (...values: number[]) => Buffer.from(values);
  const bad: [what: string, body: string | Buffer, detail: RegExp][] = [
    ...[
      "{",
      '{"a":1',
      "{a:1}",
      "{'a':1}",
      '{"a":1,}',
      "nope",
      "NaN",
      "{}{}",
      "{} x",
      "{}]",
      '"\x41"',
      '{"a":01}',
      "\0",
      "\0{}",
    ].map((text): [string, string, RegExp] => [JSON.stringify(text), text, /^body: malformed JSON$/]),
    ["a control character in a string", '{"reason":"a\nb"}', /malformed JSON/],
    ["a NUL in a string", '{"reason":"a\0b"}', /malformed JSON/],
    ["no UTF-8", Buffer.concat([Buffer.from('{"reason":"'), bytes(0xff, 0xfe), Buffer.from('"}')]), /not UTF-8/],
    ["half a surrogate pair, as bytes", bytes(0x22, 0xed, 0xa0, 0x80, 0x22), /not UTF-8/],
    ["overlong UTF-8", bytes(0x22, 0xc0, 0xaf, 0x22), /not UTF-8/],
    ["deep nesting", `${"[".repeat(100_000)}`, /nested deeper than 200 levels/],
    [
      "deep nesting that is closed",
      `{"payload":${"[".repeat(500)}${"]".repeat(500)}}`,
      /nested deeper than 200 levels/,
    ],
    ["deep objects", `${'{"a":'.repeat(5_000)}1${"}".repeat(5_000)}`, /nested deeper than 200 levels/],
  ];
  test.each(bad)("%s is a 400 on every route that has one", async (_, body, detail) => {
    for (const { route } of BODIES) {
      const answer = await fetch(stack.apiUrl + filled(route), {
        method: "POST",
        headers: { authorization: `Bearer ${stack.token()}` },
        body: Buffer.from(body as never),
      });
      const read = { status: answer.status, headers: answer.headers, body: parseJson(await answer.text()) };
      expect(refused(read, 400, "validation_error", "invalid request body").details).toEqual([
        expect.stringMatching(detail),
      ]);
    }
  });
});

const named = routes.map((route) => [`${route.method.toUpperCase()} ${route.path}`, route] as const);

/** Bytes as they are, past what an HTTP client would let through, and the one answer to them. */
async function send(lines: string[], body: string | Buffer = ""): Promise<Answered<unknown>> {
  const { hostname, port } = new URL(stack.apiUrl);
  const socket = connect(Number(port), hostname);
  const chunks: Buffer[] = [];
  socket.on("data", (chunk) => chunks.push(chunk));
  // Whoever answers before the body's end may close before it too.
  socket.on("error", () => {});
  socket.write(Buffer.concat([Buffer.from(`${lines.join("\r\n")}\r\n\r\n`), Buffer.from(body as never)]));
  await once(socket, "close");
  const [head = "", ...rest] = Buffer.concat(chunks).toString().split("\r\n\r\n");
  const [status = "", ...fields] = head.split("\r\n");
  const headers = new Headers(fields.map((field) => field.split(/: (.*)/).slice(0, 2) as [string, string]));
  const text = rest.join("\r\n\r\n");
  return { status: Number(status.split(" ")[1]), headers, body: text === "" ? "" : parseJson(text) };
}
const request = (method: string, path: string, headers: string[] = [], body: string | Buffer = "") =>
  send(
    [
      `${method} ${path} HTTP/1.1`,
      "Host: localhost",
      "Connection: close",
      ...(headers.some((header) => /^authorization/i.test(header)) ? [] : [`Authorization: Bearer ${stack.token()}`]),
      ...(body.length > 0 && !headers.some((header) => /^(content-length|transfer-encoding)/i.test(header))
        ? [`Content-Length: ${Buffer.byteLength(body)}`]
        : []),
      ...headers,
    ],
    body,
  );

describe("10 MiB of body are a 413", () => {
  const TEN_MIB = 10 * 1024 * 1024;
  const big = JSON.stringify({ reason: "z".repeat(TEN_MIB) });
  const chunked = `${big.length.toString(16)}\r\n${big}\r\n0\r\n\r\n`;
  const tooLarge = (answer: Answered<unknown>) =>
    refused(answer, 413, "payload_too_large", "request body is larger than 1 MiB");

  test.each(named.filter(([, { method }]) => method !== "get"))("%s", async (_, { method, path }) => {
    tooLarge(await stack.request(method.toUpperCase(), filled(path), big));
  });
  test("in chunks, too", async () => {
    tooLarge(await request("POST", filled(`${STEP}/skip`), ["Transfer-Encoding: chunked"], chunked));
  });
  test("compressed, too", async () => {
    tooLarge(await request("POST", filled(`${STEP}/skip`), ["Content-Encoding: gzip"], gzipSync(big)));
  });
  test("and one byte above 1 MiB; 1 MiB is not", async () => {
    const ofLength = (length: number) => `{"payload":"${"z".repeat(length - 14)}"}`;
    tooLarge(await post("/v1/workflows/:workflowID/trigger", ofLength(1_048_577)));
    expect((await post("/v1/workflows/:workflowID/trigger", ofLength(1_048_576))).status).toBe(202);
  });
});

describe("a query", () => {
  const lists = named.filter(([, { method, path }]) => method === "get" && !path.startsWith("/health"));
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
    ["status=running&status=paused", /^status /],
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
    for (const name of paramsOf(path))
      for (const text of texts) {
        const answer = await request(method.toUpperCase(), filled(path, { [name]: encodeURIComponent(text) }));
        expectRefusal(answer, short(text));
        if (name === "eventKey") continue;
        const thing = { stepRef: /^(workflow step run|step) not found/ }[name] ?? / not found$/;
        refused(answer, 404, "not_found", thing);
      }
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

describe("a method", () => {
  const paths = [...new Set(routes.map(({ path }) => path))];
  // /v1/workflow-runs/bulk-cancel is a run's path too, as far as GET and DELETE go.
  const takes = (path: string) =>
    routes.filter(
      (route) => route.path === path || (path.includes("/bulk-") && route.path === "/v1/workflow-runs/:workflowRunID"),
    );

  test.each(paths)("that %s does not have is a 405 that says which it has", async (path) => {
    const has = takes(path).map(({ method }) => method.toUpperCase());
    const allowed = routes.filter((route) => route.path === path).map(({ method }) => method.toUpperCase());
    const allow = allowed.flatMap((method) => (method === "GET" ? ["GET", "HEAD"] : [method])).sort();
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
        const answer = await request("POST", filled(path, { stepRef: "gate-0" }), [`${name}: ${text}`]);
        if (answer.status >= 300) expectRefusal(answer, short(text));
      }
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
    ["an expectation nobody knows", ["Expect: miracles"], "{}"],
  ])("%s is a clear refusal", async (_, headers, body) => {
    expectRefusal(await request("POST", filled(`${STEP}/skip`, nextStep()), headers, body), headers.join());
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
    expectRefusal(await send(lines), lines.join());
  });
});

describe("hostile text in every string of a body", () => {
  const strings = (body: BodyOf) => placesIn(body).filter(({ value }) => typeof value === "string");

  test.each(cases)("is refused where it cannot be kept: %s", async (_, body) => {
    const kept = strings(body).filter(({ path }) => path[0] !== "workflow_run_ids");
    await each(pairs(kept, REFUSED), async ([{ path }, hostile]) => {
      if (["description", "reason"].includes(String(path[0])) && hostile.includes("\r\n")) return;
      const label = `${written(path)}: ${short(hostile)}`;
      const answer = await post(body.route, JSON.stringify(withValue(body.draft(), path, hostile)));
      expectRefusal(answer, label);
      expect(answer.status, label).toBe(400);
    });
  });

  test.each(cases)("is refused, or reads back unchanged: %s", async (_, body) => {
    await each(pairs(strings(body), STRANGE), async ([{ path }, strange]) => {
      const label = `${written(path)}: ${short(strange)}`;
      const params = body.params?.() ?? {};
      const answer = await post(body.route, JSON.stringify(withValue(body.draft(), path, strange)), params);
      if (answer.status >= 300) expectRefusal(answer, label);
      // Empty text says the same as none.
      else if (body.readAt && strange !== "" && !path.some((name) => body.notShown?.includes(String(name)))) {
        const read = await ok<Members | Members[]>(stack, "GET", body.readAt(answer.body, params));
        const step = Array.isArray(read) && read.find(({ step_ref }) => step_ref === params.stepRef);
        expect(step ? step.error : at(read, path), label).toBe(strange);
      }
    });
  });

  test.each(cases.filter(([, { schema }]) => fieldsOf(schema).includes("tags")))(
    "the names of tags too: %s",
    async (_, body) => {
      await each([...STRANGE, ...REFUSED], async (name) => {
        const answer = await post(body.route, JSON.stringify(withValue(body.draft(), ["tags", name], "v")));
        if (REFUSED.includes(name) || name === "") expect(answer.status, short(name)).toBe(400);
        if (answer.status >= 300) expectRefusal(answer, short(name));
        else expect(at(answer.body, ["tags", name]), short(name)).toBe("v");
      });
    },
  );
});

describe("any JSON document", () => {
  const nested = (levels: number) => "[".repeat(levels) + "]".repeat(levels);
  const documents = [
    ...[...STRANGE, ...REFUSED].map((text) => JSON.stringify(text)),
    ...['{"__proto__":{"admin":true},"constructor":1}', '{"__proto__":[12345678901234567890]}', '{"":{"":null}}'],
    ...["null", "[null,[]]", "false", "0", "-12345678901234567890", "0.1", "1e+300", "[]", '["a","a"]', nested(150)],
    JSON.stringify({ a: "y".repeat(500_000) }),
    JSON.stringify(Array.from({ length: 20_000 }, (_, i) => i)),
  ];
  const values = documents.filter((document) => document !== "null");
  /** As text: a parser of our own would forgive too much. */
  const textOf = async (method: string, path: string, body?: string) => {
    const headers = { authorization: `Bearer ${stack.token()}` };
    const answer = await fetch(stack.apiUrl + path, { method, headers, body });
    const text = await answer.text();
    expect(answer.status, `${method} ${path}: ${body?.slice(0, 60)}: ${text.slice(0, 200)}`).toBeLessThan(300);
    return text;
  };
  const idIn = (text: string) => /"id":"([^"]+)"/.exec(text)?.[1];

  test("as a run's payload reads back unchanged", async () => {
    await each(values, async (document) => {
      const run = await textOf("POST", `/v1/workflows/${ids.workflowID}/trigger`, `{"payload":${document}}`);
      expect(await textOf("GET", `/v1/workflow-runs/${idIn(run)}`)).toContain(`"payload":${document},`);
    });
  });

  test("as a job's schema and as a step's payload reads back unchanged", async () => {
    await each(values, async (document) => {
      const rest = `"name":"n","slug":"${fresh()}"`;
      const draft = `{${rest},"endpoint_url":"${stack.jobs.url("/job")}","payload_schema":${document}}`;
      const job = await textOf("POST", "/v1/jobs", draft);
      expect(await textOf("GET", `/v1/jobs/${idIn(job)}`)).toContain(`"payload_schema":${document},`);
      // Placeholders are looked for in it: that has a depth of its own.
      if (document.startsWith("[[[")) return;
      const step = `{"step_ref":"a","step_type":"sleep","sleep_duration_secs":1,"payload":${document}}`;
      const workflow = await textOf("POST", "/v1/workflows", `{${rest},"steps":[${step}]}`);
      expect(await textOf("GET", `/v1/workflows/${idIn(workflow)}`)).toContain(`"payload":${document},`);
    });
  });

  test("as a forced result reads back unchanged", async () => {
    const gates = documents.map((_, i) => gate(`gate-${i}`));
    const { id } = await runOf(stack, gates);
    await each(documents.entries(), async ([i, document]) => {
      const path = `/v1/workflow-runs/${id}/steps/gate-${i}/force-complete`;
      const output = document === "null" ? "" : `"output":${document},`;
      expect(await textOf("POST", path, `{"result":${document}}`)).toContain(output);
    });
    const all = await textOf("GET", `/v1/workflow-runs/${id}/steps`);
    for (const document of values) expect(all).toContain(`"output":${document},`);
  });

  test("as an event's payload reads back unchanged", async () => {
    const waits = values.map((_, i) => wait(`wait-${i}`, `event-${i}`));
    const { id } = await runOf(stack, waits);
    await each(values.entries(), async ([i, document]) => {
      await until(() => findWaitingTrigger(stack.deps.db, "demo", `event-${i}`));
      const sent = await textOf("POST", `/v1/events/event-${i}/send`, `{"payload":${document}}`);
      expect(sent).toContain(`"response_payload":${document},`);
    });
    const all = await textOf("GET", `/v1/workflow-runs/${id}/steps`);
    for (const document of values) expect(all).toContain(`"output":${document},`);
  });

  test.each(["1e400", "-1e999", `1${"0".repeat(400)}.5`])(
    "that no double can hold is refused: %.20s",
    async (number) => {
      const answer = await post("/v1/workflows/:workflowID/trigger", `{"payload":[${number}]}`);
      refused(answer, 400, "validation_error", "invalid request body");
    },
  );
});

test("steps named as members of every object run like any other", async () => {
  const refs = ["__proto__", "constructor", "toString", "hasOwnProperty"];
  const job = await createJob(stack, "/named");
  const chain = refs.map((step_ref, i) => ({
    step_ref,
    job_id: job.id,
    depends_on: refs.slice(Math.max(i - 1, 0), i),
    payload: { before: `{{parent_outputs.${refs[i - 1] ?? "none"}.said}}` },
  }));
  stack.jobs.on("/named", (_call, nth) => ({ body: { said: nth } }));
  const run = await runOf(stack, chain);
  await until(async () => (await ok<Members>(stack, "GET", `/v1/workflow-runs/${run.id}`)).status === "completed");
  expect(
    stack.jobs
      .callsTo("/named")
      .map(({ body }) => at(body, ["before"]))
      .slice(1),
  ).toEqual([1, 2, 3]);
  const left = await post("/v1/workflows/:workflowID/trigger", '{"step_overrides":{"__proto__":false}}', {
    workflowID: run.workflow_id,
  });
  expect(await ok<Members[]>(stack, "GET", `/v1/workflow-runs/${left.body.id}/steps`)).toHaveLength(3);
});

test("after all of it the API is well", async () => {
  expect(await ok(stack, "GET", "/health/ready")).toMatchObject({ status: "up" });
  expect(await ok<Members[]>(stack, "GET", stepsOfRun())).toHaveLength(100);
});

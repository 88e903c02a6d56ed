import { afterAll, beforeAll, expect, test } from "vitest";
import { createWorkflow, gate, ok } from "../api/definitions.ts";
import { UNKNOWN } from "./drafts.ts";
import { expectRefusal } from "./text.ts";
import { refused } from "../api/shapes.ts";
import { type Stack, startStack } from "../stack/harness.ts";
import { timesAsLong } from "../stack/cost.ts";

const MIB = 2 ** 20;
/** Of a MiB. */
const RIGHT = Array.from({ length: 45_000 }, (_, i) => 12345678901234567890n + BigInt(i));
/** How many times as long as that a wrong body may take. */
const MOST = 8;

let stack: Stack;
let workflow: { id: string };
beforeAll(async () => {
  stack = await startStack({ worker: false });
  workflow = await createWorkflow(stack, [gate("gate")]);
});
afterAll(() => stack.stop());

/** As many of them as a body may hold, between the rest of it. */
function filled(head: string, item: (i: number) => string, tail: string, bytes = MIB): string {
  const items: string[] = [];
  for (let left = bytes - head.length - tail.length, i = 0; ; i++) {
    const next = item(i);
    left -= next.length + 1;
    if (left < 0) return head + items.join() + tail;
    items.push(next);
  }
}
const steps = (item: (i: number) => string) => filled('{"name":"n","slug":"s","steps":[', item, "]}");
const step = (i: number, rest: string) => `{"step_ref":"s${i}","step_type":"sleep","sleep_duration_secs":1,${rest}}`;
const pattern = (text: string) => `{"type":"regex","left":"a","right":${JSON.stringify(text)}}`;
const of = (list: string) => (i: number) => step(i, `"condition":{"type":"any_of","conditions":[${list}]}`);

const TRIGGER = "/v1/workflows/:id/trigger";
const RETRY = `/v1/workflow-runs/${UNKNOWN}/retry`;
const hostile: [what: string, route: string, body: string, error: string | RegExp, detail: RegExp][] = [
  ["an escaped string without end", TRIGGER, `"${'\\"'.repeat(MIB / 2 - 1)}`, "invalid request body", /malformed JSON/],
  ["80,000 tags", TRIGGER, filled('{"tags":{', (i) => `"${i}":"v"`, "}}"), /^too many tags/, /^tags: too many tags/],
  ["80,000 wrong tags", TRIGGER, filled('{"tags":{', (i) => `"${i}":1`, "}}"), /^too many tags/, /^tags: too many/],
  ["80,000 labels", TRIGGER, filled('{"labels":{', (i) => `"${i}":1`, "}}"), /^too many labels/, /^labels: too many/],
  ["80,000 unknown fields", TRIGGER, filled("{", (i) => `"${i}":1`, "}"), "invalid request body", /unknown field/],
  [
    "450,000 wrong overrides",
    TRIGGER,
    filled('{"step_overrides":[', () => "1", "]}"),
    /failed/,
    /^step_overrides: must have at most/,
  ],
  [
    "a map of overrides",
    TRIGGER,
    filled('{"step_overrides":{', (i) => `"${i}":1`, "}}"),
    /failed/,
    /^step_overrides: must have/,
  ],
  [
    "9,000 wrong overrides",
    TRIGGER,
    `{"step_overrides":[${Array(9_000).fill("1")}]}`,
    "invalid request body",
    /^step_overrides\[0\]/,
  ],
  [
    "a number of a million digits",
    TRIGGER,
    `{"payload":${"9".repeat(MIB - 14)}}`,
    "invalid request body",
    /more than 1000 digits/,
  ],
  ["500,000 wrong steps", "/v1/workflows", steps(() => "1"), "validation failed", /^steps: must have at most/],
  ["empty steps", "/v1/workflows", steps(() => "{}"), "validation failed", /^steps: must have at most/],
  [
    "9,000 wrong steps",
    "/v1/workflows",
    `{"name":"n","slug":"s","steps":[${Array(9_000).fill("1")}]}`,
    "invalid request body",
    /^steps\[0\]/,
  ],
  [
    "wrong dependencies",
    "/v1/workflows",
    steps((i) => step(i, `"depends_on":[${Array(9_000).fill("1")}]`)),
    "invalid request body",
    /^steps\[0\].depends_on\[0\]/,
  ],
  [
    "approvers",
    "/v1/workflows",
    steps((i) => step(i, `"approvers":[${Array(9_000).fill('"a"')}]`)),
    "validation failed",
    /^steps\[0\].approvers: must have at most/,
  ],
  ["13,200 patterns", "/v1/workflows", steps(of(Array(200).fill(pattern("a")).join())), /too large/, /condition/],
  [
    "patterns that grow",
    "/v1/workflows",
    steps(of(Array(300).fill(pattern("(a?){1000}a{1000}")).join())),
    /at most 16384 characters/,
    /condition/,
  ],
  [
    "one pattern that grows",
    "/v1/workflows",
    `{"name":"n","slug":"s","steps":[${of(pattern(`(?:${"a".repeat(900)}){1000}`))(0)}]}`,
    /too large/,
    /condition/,
  ],
  ["Unicode classes", "/v1/workflows", steps(of(pattern("\\pL".repeat(300)))), /too large/, /condition/],
  [
    "delays",
    "/v1/jobs",
    filled('{"retry_delays_secs":[', () => '""', "]}"),
    /failed/,
    /retry_delays_secs: must have at most/,
  ],
  [
    "ids of runs",
    "/v1/workflow-runs/bulk-cancel",
    filled('{"workflow_run_ids":[', () => "1", "]}"),
    /failed/,
    /^workflow_run_ids: must have at most/,
  ],
  [
    "payloads of steps",
    RETRY,
    filled('{"step_payloads":{', (i) => `"${i}":1`, "}}"),
    /^too many step_payloads/,
    /step_payloads/,
  ],
  [
    "100,000 wrong ids",
    "/v1/bulk-operations",
    `{"operation":"cancel","ids":[${Array(100_000).fill('"x"')}]}`,
    "validation failed",
    /^ids\[0\]: must be an id/,
  ],
  [
    "millions of values",
    "/v1/bulk-operations",
    filled('{"operation":"cancel","ids":[', () => "1", "]}", 5 * MIB),
    "invalid request body",
    /^body: more than 524288 values/,
  ],
  [
    "500,000 ids",
    "/v1/bulk-operations",
    filled('{"operation":"cancel","ids":[', () => '"12345678"', "]}", 5 * MIB),
    /failed/,
    /^ids: must have at most/,
  ],
];

test.each(hostile)("%s: refused in a few words, and nobody waits for it", async (_, route, body, error, detail) => {
  const post = () => stack.request("POST", route.replace(":id", workflow.id), body);
  const answer = await post();
  expectRefusal(answer, route);
  const { details = [] } = refused(answer, 400, "validation_error", error);
  expect(
    details.some((text) => detail.test(text)),
    details.join(),
  ).toBe(true);
  expect(details.length).toBeLessThanOrEqual(20);
  // All of the test's and the API's work for it: some of these once took a thousand times as long as what is right.
  const right = () => stack.request("POST", `/v1/workflows/${workflow.id}/trigger?dryRun=true`, { payload: RIGHT });
  expect(await timesAsLong(post, right, 2)).toBeLessThan((MOST * body.length) / MIB + MOST);
});

test("and what is large but right is taken", async () => {
  await ok(stack, "POST", `/v1/workflows/${workflow.id}/trigger`, { payload: RIGHT });
  const many = Array.from({ length: 1_000 }, (_, i) =>
    gate(`gate-${i}`, { depends_on: i > 0 ? [`gate-${i - 1}`] : [] }),
  );
  await createWorkflow(stack, many);
});

const types = Object.fromEntries(Array.from({ length: 498 }, (_, i) => [`p${i}`, { type: "string" }]));
const LARGE_SCHEMA = { type: "object", properties: types };

test("a schema that a change does not name is not compiled again", async () => {
  const job = { project_id: "demo", name: "n", endpoint_url: "http://localhost/job" };
  const changeOf = async (slug: string, schemas: object) => {
    const { id } = await ok<{ id: string }>(stack, "POST", "/v1/jobs", { ...job, ...schemas, slug });
    return () => ok(stack, "PATCH", `/v1/jobs/${id}`, { description: "changed" });
  };
  const change = await changeOf("small", {});
  const changeOfLarge = await changeOf("large", { payload_schema: LARGE_SCHEMA, result_schema: LARGE_SCHEMA });
  expect(await timesAsLong(changeOfLarge, change)).toBeLessThan(8);
});

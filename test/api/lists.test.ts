import { v7 as uuid } from "uuid";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { WorkflowRun } from "../../src/contract/runs.ts";
import type { Workflow } from "../../src/contract/workflows.ts";
import { createWorkflow, gate, trigger } from "./definitions.ts";
import { job, workflow } from "./definition-shapes.ts";
import { answered, envelope, refused, run } from "./shapes.ts";
import { type Answered, type Stack, startStack } from "../stack/harness.ts";
import { epochMs, rfc3339 } from "../../workflows/engine/time.ts";

const RUNS = 105;
const SAME_TIME = 12;

let stack: Stack;
let first: Workflow;
let second: Workflow;
/** All runs of project demo, newest first. */
let runs: WorkflowRun[];

// Without a worker nothing changes while pages are turned.
beforeAll(async () => {
  stack = await startStack({ worker: false });
  first = await createWorkflow(stack, [gate("gate")], { tags: { kind: "first" } });
  second = await createWorkflow(stack, [gate("gate")]);
  const made: WorkflowRun[] = [];
  for (let i = 0; i < RUNS; i++) {
    const tags = { n: String(i), third: String(i % 3) };
    made.push(await trigger(stack, i % 2 ? second : first, { tags }));
  }
  const together = made.slice(40, 40 + SAME_TIME).map(({ id }) => id);
  await stack.deps.db.query(
    "update workflow_runs set created_at = (select min(created_at) from workflow_runs where id = any($1)) where id = any($1)",
    [together],
  );
  await stack.deps.db.query("update workflow_runs set status = 'failed' where tags->>'third' = '1'");
  const [one, two] = [await page("/v1/workflow-runs?limit=60"), await page("/v1/workflow-runs?limit=60", 2)];
  runs = [...one, ...two];
});
afterAll(() => stack.stop());

const get = (path: string, token?: string) => stack.request<WorkflowRun[]>("GET", path, undefined, { token });
const nextOf = (answer: Answered<unknown>) => /^<(.*)>; rel="next"$/.exec(answer.headers.get("link") ?? "")?.[1];

/** The nth page of a list, by following its links. */
async function page(path: string, nth = 1): Promise<WorkflowRun[]> {
  const answer = await get(path);
  if (nth === 1) return answered(answer, 200, run.array()) as WorkflowRun[];
  return page(nextOf(answer) ?? "", nth - 1);
}
async function allPages(path: string): Promise<string[]> {
  const ids: string[] = [];
  for (let next: string | undefined = path; next; ) {
    const answer: Answered<WorkflowRun[]> = await get(next);
    ids.push(...answered(answer, 200, run.array()).map(({ id }) => id));
    next = nextOf(answer);
    expect(answer.headers.get("x-has-more")).toBe(String(next !== undefined));
    expect(answer.headers.has("x-next-cursor")).toBe(next !== undefined);
  }
  return ids;
}
const ids = (some: WorkflowRun[]) => some.map(({ id }) => id);

describe("the runs of a project", () => {
  test("are a bare array, newest first, fifty at a time", async () => {
    const answer = await get("/v1/workflow-runs");
    const shown = answered(answer, 200, run.array());
    expect(shown).toHaveLength(50);
    const newestFirst = [...shown].sort(
      (a, b) => epochMs(b.created_at) - epochMs(a.created_at) || (a.id < b.id ? 1 : -1),
    );
    expect(ids(shown as WorkflowRun[])).toEqual(ids(newestFirst as WorkflowRun[]));
  });

  test("come in an envelope when asked for, with the same items and cursor", async () => {
    const bare = await get("/v1/workflow-runs?limit=7");
    const wrapped = answered(await get("/v1/workflow-runs?limit=7&envelope=true"), 200, envelope(run));
    expect(wrapped).toEqual({ data: bare.body, has_more: true, next_cursor: bare.headers.get("x-next-cursor") });
    const last = answered(await get(`/v1/workflow-runs?tag_key=n&tag_value=3&envelope=true`), 200, envelope(run));
    expect(last).toEqual({ data: [expect.anything()], has_more: false });
    refused(await get("/v1/workflow-runs?envelope=yes"), 400, "validation_error", "envelope must be true or false");
  });

  test.each([1, 7, 50, 100])("are all there once, in pages of %i, whatever shares a created_at", async (limit) => {
    const all = await allPages(`/v1/workflow-runs?limit=${limit}`);
    expect(all).toHaveLength(RUNS);
    expect(all).toEqual(ids(runs));
  });

  test("continue from a bare RFC3339 time with what is strictly older", async () => {
    const at = runs[20]?.created_at ?? "";
    const older = ids(runs.filter(({ created_at }) => epochMs(created_at) < epochMs(at)));
    expect(await allPages(`/v1/workflow-runs?limit=100&cursor=${at}`)).toEqual(older);
    const offset = rfc3339(epochMs(at) + 7_200_000).replace("Z", "+02:00");
    expect(await allPages(`/v1/workflow-runs?limit=100&cursor=${encodeURIComponent(offset)}`)).toEqual(older);
    const [seconds = "", fraction = ""] = at.slice(0, -1).split(".");
    const nano = `${seconds}.${fraction.padEnd(6, "0")}001Z`;
    const before = await get(`/v1/workflow-runs?limit=1&cursor=${nano}`);
    expect(answered(before, 200, run.array())[0]?.created_at).toBe(at);
    expect(answered(await get("/v1/workflow-runs?cursor=2001-01-01T00:00:00Z"), 200, run.array())).toEqual([]);
  });

  test("are a hundred at most, however many are asked for", async () => {
    for (const limit of ["100", "101", "1000000", "99999999999999999999999"])
      expect(answered(await get(`/v1/workflow-runs?limit=${limit}`), 200, run.array())).toHaveLength(100);
  });

  test.each(["0", "-1", "1.5", "abc", "1e1", "0x10", "%00", "1;drop"])("refuse limit=%s", async (limit) => {
    refused(await get(`/v1/workflow-runs?limit=${limit}`), 400, "validation_error", "limit must be a positive integer");
  });

  test.each(["yesterday", "2026-03-02", "2026-13-45T00:00:00Z", "2026-03-02T10:00:00", "%F0%9F%92%A9", "AAAA", "1"])(
    "refuse cursor=%s",
    async (cursor) => {
      const answer = await get(`/v1/workflow-runs?cursor=${cursor}`);
      refused(answer, 400, "validation_error", "cursor must be a valid RFC3339 timestamp");
    },
  );

  test("can be asked for by status, by tag, and by both together", async () => {
    const failed = runs.filter(({ tags }) => tags?.third === "1");
    expect(await allPages("/v1/workflow-runs?status=failed&limit=100")).toEqual(ids(failed));
    const both = failed.filter(({ tags }) => tags?.kind === "first");
    expect(await allPages("/v1/workflow-runs?status=failed&tag_key=kind&tag_value=first&limit=100")).toEqual(ids(both));
    const keyed = runs.filter(({ tags }) => tags?.kind);
    expect(await allPages("/v1/workflow-runs?tag_key=kind&limit=9")).toEqual(ids(keyed));
    expect(await allPages("/v1/workflow-runs?tag_key=kind&tag_value=other")).toEqual([]);
    for (const status of ["pending", "paused", "completed", "timed_out", "canceled"])
      expect(await allPages(`/v1/workflow-runs?status=${status}`)).toEqual([]);
  });

  test("refuse a status there is none of, and a tag value without its key", async () => {
    for (const status of ["done", "FAILED", "running,done", "running,"])
      refused(await get(`/v1/workflow-runs?status=${status}`), 400, "validation_error", "status is invalid");
    const answer = await get("/v1/workflow-runs?tag_value=x");
    refused(answer, 400, "validation_error", "tag_key is required when tag_value is provided");
  });

  test("are [] in a project that has none", async () => {
    const token = stack.token({ projects: ["empty"] });
    expect(answered(await get("/v1/workflow-runs", token), 200, run.array())).toEqual([]);
    const wrapped = await get("/v1/workflow-runs?envelope=true", token);
    expect(answered(wrapped, 200, envelope(run))).toEqual({ data: [], has_more: false });
  });
});

describe.each(["/v1/workflow-runs", "/v1/workflows", "/v1/jobs"])("the project of GET %s", (path) => {
  test("is the caller's only one, named or not", async () => {
    const unnamed = await get(path);
    expect(unnamed.body).toEqual((await get(`${path}?project_id=demo`)).body);
    expect(unnamed.body).toEqual((await get(`${path}?project_id=`)).body);
  });

  test("has to be named by a caller of several, or of all", async () => {
    for (const projects of [["demo", "other"], "*" as const, []]) {
      const token = stack.token({ projects });
      refused(await get(path, token), 400, "validation_error", "project_id is required");
    }
    for (const projects of [["demo", "other"], "*" as const])
      expect((await get(`${path}?project_id=demo`, stack.token({ projects }))).body).toEqual((await get(path)).body);
  });

  test("of somebody else is forbidden, whether it exists or not", async () => {
    for (const project of ["other", "no-such-project"])
      refused(await get(`${path}?project_id=${project}`), 403, "forbidden", "project_id is not one of your projects");
  });
});

describe("the runs of a workflow", () => {
  test("are its own only, in the same shape and pages", async () => {
    const own = ids(runs.filter(({ workflow_id }) => workflow_id === second.id));
    expect(await allPages(`/v1/workflows/${second.id}/runs?limit=10`)).toEqual(own);
    const wrapped = answered(await get(`/v1/workflows/${second.id}/runs?envelope=true`), 200, envelope(run));
    expect(wrapped.data).toHaveLength(50);
    refused(
      await get(`/v1/workflows/${second.id}/runs?limit=0`),
      400,
      "validation_error",
      "limit must be a positive integer",
    );
  });

  test("of an unknown, malformed or another project's workflow are a 404", async () => {
    for (const id of [uuid(), "string"])
      refused(await get(`/v1/workflows/${id}/runs`), 404, "not_found", "workflow not found");
    const token = stack.token({ projects: ["other"] });
    refused(await get(`/v1/workflows/${first.id}/runs`, token), 404, "not_found", "workflow not found");
  });
});

describe.each([
  ["/v1/workflows", workflow, (slug: string) => ({ name: "w", slug })],
  ["/v1/jobs", job, (slug: string) => ({ name: "j", slug, endpoint_url: "http://localhost/" })],
] as const)("the definitions of GET %s", (path, shape, bodyOf) => {
  const token = () => stack.token({ projects: ["paged"] });
  beforeAll(async () => {
    for (let i = 0; i < 25; i++) {
      const body = { ...bodyOf(`d-${i}`), ...(i % 2 && { tags: { odd: "yes", n: String(i) } }) };
      await stack.request("POST", path, body, { token: token() });
    }
  });
  const slugs = async (query: string) => {
    const found: string[] = [];
    for (let next: string | undefined = `${path}?${query}`; next; ) {
      const answer: Answered<unknown> = await get(next, token());
      found.push(...answered(answer, 200, shape.array()).map(({ slug }) => slug));
      next = nextOf(answer);
    }
    return found;
  };
  const newestFirst = Array.from({ length: 25 }, (_, i) => `d-${24 - i}`);

  test("are newest first, by pages and tags, in an array or an envelope", async () => {
    expect(await slugs("")).toEqual(newestFirst);
    expect(await slugs("limit=4")).toEqual(newestFirst);
    expect(await slugs("tag_key=odd&limit=5")).toEqual(newestFirst.filter((_, i) => i % 2));
    expect(await slugs("tag_key=n&tag_value=7")).toEqual(["d-7"]);
    const wrapped = answered(await get(`${path}?limit=24&envelope=true`, token()), 200, envelope(shape));
    expect([wrapped.data.length, wrapped.has_more]).toEqual([24, true]);
  });

  test("refuse a bad limit, cursor or tag value without its key", async () => {
    refused(await get(`${path}?limit=0`), 400, "validation_error", "limit must be a positive integer");
    refused(await get(`${path}?cursor=x`), 400, "validation_error", "cursor must be a valid RFC3339 timestamp");
    refused(
      await get(`${path}?tag_value=x`),
      400,
      "validation_error",
      "tag_key is required when tag_value is provided",
    );
  });
});

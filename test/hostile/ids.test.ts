import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { encodeCursor } from "../../src/contract/cursor.ts";
import type { StepRun } from "../../src/contract/runs.ts";
import { routes } from "../../src/http/routes/index.ts";
import {
  createJob,
  createWorkflow,
  gate,
  getSteps,
  ok,
  reaches,
  runOf,
  trigger,
  wait,
  work,
} from "../api/definitions.ts";
import { UNKNOWN } from "./drafts.ts";
import { neededBy } from "./routes.ts";
import { each, expectRefusal, pairs } from "./text.ts";
import { refused } from "../api/shapes.ts";
import { type Stack, startStack } from "../stack/harness.ts";
import { until } from "../stack/until.ts";

/** Ids that exist, by what they are of; and what only looks like one. */
let ids: Record<string, string>;
let stack: Stack;

beforeAll(async () => {
  stack = await startStack();
  const job = await createJob(stack, "/job");
  const workflow = await createWorkflow(stack, [gate("gate"), wait("wait", "key")]);
  const run = await trigger(stack, workflow);
  const over = await reaches(stack, await runOf(stack, [work("work", job)]), "completed");
  const [step] = (await getSteps(stack, over)) as [StepRun];
  const body = { operation: "pause", ids: [UNKNOWN] };
  const bulk = await ok<{ id: string }>(stack, "POST", "/v1/bulk-operations", body);
  ids = {
    job: job.id,
    workflow: workflow.id,
    version: String(run.workflow_version_id),
    run: run.id,
    "run that is over": over.id,
    step: step.id,
    "job run": String(step.job_run_id),
    "bulk operation": bulk.id,
    nothing: UNKNOWN,
    "upper case": run.id.toUpperCase(),
    dashes: "-".repeat(36),
    zeros: "0".repeat(36),
    "too short": run.id.slice(1),
    "in braces": `{${run.id}}`,
    urn: `urn:uuid:${run.id}`,
    NUL: `${run.id}\0`,
    "a number": "1",
    "a word": "nope",
  };
});
afterAll(() => stack.stop());

const KINDS = [
  ...["job", "workflow", "version", "run", "run that is over", "step", "job run", "bulk operation", "nothing"],
  ...["upper case", "dashes", "zeros", "too short", "in braces", "urn", "NUL", "a number", "a word"],
];
const OF: Record<string, string[]> = {
  workflowID: ["workflow"],
  workflowRunID: ["run", "run that is over"],
  jobID: ["job"],
  runID: ["job run"],
  operationID: ["bulk operation"],
};
const idOf = (kind: string) => encodeURIComponent(ids[kind] ?? "");

const withIds = routes.flatMap(({ method, path }) => {
  const [, name = ""] = /:(\w+ID)/.exec(path) ?? [];
  return name === "" ? [] : [[`${method.toUpperCase()} ${path}`, { method, path, name }] as const];
});

describe("the id of another kind of thing, or what is none, is of something unknown", () => {
  test.each(withIds)("%s", async (_, { method, path, name }) => {
    const others = KINDS.filter((kind) => !OF[name]?.includes(kind));
    await each(others, async (kind) => {
      const url = path.replace(`:${name}`, idOf(kind)).replace(":stepRef", "gate");
      const needed = neededBy(path);
      const body = needed === undefined ? undefined : JSON.parse(needed);
      refused(await stack.request(method.toUpperCase(), url, body), 404, "not_found", / not found$/);
    });
  });
});

describe("an event key of our own making, of another thing than it should name", () => {
  const send = (key: string) => stack.request("POST", `/v1/events/${encodeURIComponent(key)}/send`, { payload: 1 });
  const forms: [form: string, key: (id: string) => string][] = [
    ["approval:<id>:x", (id) => `approval:${id}:x`],
    ["approval:<id>:wait", (id) => `approval:${id}:wait`],
    ["approval:<id>:", (id) => `approval:${id}:`],
    ["approval:<id>", (id) => `approval:${id}`],
    ["sleep:<id>", (id) => `sleep:${id}`],
    ["sleep:<id>:gate", (id) => `sleep:${id}:gate`],
    ["<id>", (id) => id],
    ["evt:approval:<id>", (id) => `evt:approval:${id}`],
  ];
  test.each(forms)("%s", async (_, keyOf) => {
    await each(KINDS, async (kind) => {
      const answer = await send(keyOf(ids[kind] ?? ""));
      if (kind === "NUL") refused(answer, 400, "validation_error", /^event key /);
      else refused(answer, 404, "not_found", "event trigger not found");
    });
  });

  test("and another project's", async () => {
    const token = stack.token({ projects: ["other"] });
    const path = `/v1/events/${encodeURIComponent(`approval:${ids.run}:gate`)}/send`;
    refused(await stack.request("POST", path, {}, { token }), 404, "not_found", "event trigger not found");
  });
});

describe("ids in a body", () => {
  const named = (field: string) => (id: string) => ({
    name: "n",
    slug: `slug-${field}-${Buffer.from(id).toString("hex")}`,
    steps: [{ step_ref: "a", step_type: field === "job_id" ? "job" : "sub_workflow", [field]: id }],
  });
  const bodies: [route: string, of: string[], body: (id: string) => unknown][] = [
    ["/v1/workflows", ["job"], named("job_id")],
    ["/v1/workflows", ["workflow"], named("sub_workflow_id")],
    ["/v1/bulk-operations", ["workflow"], (id) => ({ operation: "pause", filter: { workflow_id: id } })],
  ];
  test.each(bodies)("POST %s, but of %s", async (route, of, body) => {
    await each(
      KINDS.filter((kind) => !of.includes(kind)),
      async (kind) => expectRefusal(await stack.request("POST", route, body(ids[kind] ?? "")), kind),
    );
  });

  test.each(["bulk-cancel", "bulk-replay"])("%s counts what is no run as failed", async (verb) => {
    // In upper case it is the run's id, too, as UUIDs go.
    const runs = ["run", "run that is over", "upper case"];
    const others = KINDS.filter((kind) => !runs.includes(kind)).map((kind) => ids[kind]);
    const path = `/v1/workflow-runs/${verb}`;
    expect(await ok(stack, "POST", path, { workflow_run_ids: others })).toMatchObject({ failed: others.length });
  });

  test("a bulk operation on what is no run fails for each of them", async () => {
    const others = ["job", "workflow", "step", "job run", "bulk operation", "nothing"].map((kind) => ids[kind]);
    const body = { operation: "cancel", ids: others };
    const { id } = await ok<{ id: string }>(stack, "POST", "/v1/bulk-operations", body);
    const path = `/v1/bulk-operations/${id}`;
    const ended = () => ok<{ status: string }>(stack, "GET", path).then((now) => now.status === "completed" && now);
    expect(await until(ended)).toMatchObject({
      status: "completed",
      progress: { total: others.length, failed: others.length },
    });
  });
});

test("a cursor with anything for an id is a place in the list, or refused", async () => {
  const lists = ["/v1/workflow-runs", "/v1/workflows", "/v1/jobs", "/v1/bulk-operations"];
  const ats = [0, 1, Date.now(), 8.64e15, 999_999_999_999_999];
  await each(pairs(lists, [...pairs(ats, KINDS)]), async ([list, [at, kind]]) => {
    const answer = await stack.request("GET", `${list}?cursor=${encodeCursor({ at, id: ids[kind] })}`);
    if (answer.status !== 200) expectRefusal(answer, `${list} ${at} ${kind}`);
  });
});

test("after all of it the run is as it was", async () => {
  const steps = await ok<StepRun[]>(stack, "GET", `/v1/workflow-runs/${ids.run}/steps`);
  expect(steps.map(({ status }) => status)).toEqual(["waiting", "waiting"]);
});

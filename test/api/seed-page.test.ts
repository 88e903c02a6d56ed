import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, test } from "vitest";
import { z } from "zod";
import { type Json, parseJson } from "../../src/contract/json.ts";
import type { WorkflowRun } from "../../src/contract/runs.ts";
import { createJob, createWorkflow, gate, ok, opens, reaches, runOf, work } from "./definitions.ts";
import { type Stack, startStack } from "../stack/harness.ts";
import * as shapes from "./shapes.ts";
import {
  RUN_SAMPLE,
  STEP_SAMPLE,
  LIST,
  GET,
  CANCEL,
  STEPS,
  PAUSE,
  RESUME,
  RETRY,
  APPROVE,
  SKIP,
  FORCE_COMPLETE,
  STEP_RETRY,
  REPLAY_SUBTREE,
  BULK_CANCEL,
  BULK_REPLAY,
} from "./seed-page.ts";

let stack: Stack;
/** Of a retry of a failed run of a sub-workflow: the one kind of run that has every field there is. */
let full: string;

beforeAll(async () => {
  stack = await startStack();
  stack.jobs.on("/fails", () => ({ status: 400, body: "no" }));
  const [works, fails] = [await createJob(stack), await createJob(stack, "/fails")];
  const child = await createWorkflow(
    stack,
    [work("works", works), work("fails", fails, { depends_on: ["works"] }), gate("gate", { depends_on: ["fails"] })],
    { tags: { property1: "a", property2: "b" }, timeout_secs: 3600, max_parallel_steps: 2 },
  );
  const sub = { step_ref: "sub", step_type: "sub_workflow", sub_workflow_id: child.id, payload: { from: "parent" } };
  await reaches(stack, await runOf(stack, [sub]), "failed");
  const [failed] = await ok<WorkflowRun[]>(stack, "GET", `/v1/workflows/${child.id}/runs`);
  const retried = await ok<WorkflowRun>(stack, "POST", `/v1/workflow-runs/${failed?.id}/retry`);
  full = retried.id;
  await reaches(stack, retried, "failed");
});
afterAll(() => stack.stop());

/** Runs the call in a shell. Only the host, the placeholders and the credentials differ from the page. */
async function paste(
  call: string,
  run = "",
  stepRef = "",
  token = stack.token(),
): Promise<{ status: number; body: Json }> {
  const ours = call
    .replace("http://localhost:8080", stack.apiUrl)
    .replace("project_id=string", "project_id=demo")
    .replace("/workflow-runs/string", `/workflow-runs/${run}`)
    .replace("/steps/string", `/steps/${stepRef}`)
    .replace('"string"', `"${run}"`);
  const authorized = `${ours} -sS -H "Authorization: Bearer ${token}" -w '\\n%{http_code}'`;
  const { stdout } = await promisify(execFile)("sh", ["-c", authorized]);
  const [, body = "", status] = /^(.*)\n(\d+)$/s.exec(stdout) ?? [];
  return { status: Number(status), body: parseJson(body) };
}

const STATUSES = {
  run: ["pending", "running", "paused", "completed", "failed", "timed_out", "canceled"],
  step: ["pending", "waiting", "running", "completed", "failed", "skipped", "canceled"],
};
const OPTIONAL = [
  ...["max_parallel_steps", "payload", "retry_of_run_id", "parent_workflow_run_id", "parent_step_run_id", "tags"],
  ...["job_run_id", "output", "error", "started_at", "finished_at", "expires_at"],
];

/** What a printed sample says of an answer: these fields and no others, of these types, and none of them null. */
function printed(sample: string, statuses: string[]) {
  const fields = Object.entries(JSON.parse(sample)).map(([name, value]) => {
    const type = name === "status" ? z.enum(statuses) : typeOf(value);
    return [name, OPTIONAL.includes(name) ? type.optional() : type];
  });
  return z.strictObject(Object.fromEntries(fields) as Record<string, z.ZodType<Json>>);
}
function typeOf(value: unknown): z.ZodType {
  if (typeof value === "number") return z.int();
  if (typeof value === "string") return value === "string" ? z.string().min(1) : shapes.time;
  return z.record(z.string(), Object.keys(value as object).length > 0 ? z.string() : z.json());
}

const printedRun = printed(RUN_SAMPLE, STATUSES.run);
/** A run that was retried names its retry, too. */
const run = printedRun.extend({ retried_by_run_id: z.string().optional() });
const step = printed(STEP_SAMPLE, STATUSES.step);
const namesOf = (objects: object[]) => [...new Set(objects.flatMap(Object.keys))].sort();

/** Pastes the call, and gives what it was answered, which has to be of this status and shape. */
async function answerTo<Shape extends z.ZodType>(
  status: number,
  shape: Shape,
  ...call: Parameters<typeof paste>
): Promise<z.infer<Shape>> {
  const answer = await paste(...call);
  expect(answer).toMatchObject({ status });
  return shape.parse(answer.body);
}

async function atGate(): Promise<string> {
  const run = await runOf(stack, [gate("gate"), gate("next", { depends_on: ["gate"] })]);
  await opens(stack, run, "gate");
  return run.id;
}
async function canceled(): Promise<string> {
  const id = await atGate();
  await paste(CANCEL, id);
  return id;
}

test("list workflow runs", async () => {
  const runs = await answerTo(200, z.array(run), LIST);
  expect(namesOf(runs).filter((name) => name !== "retried_by_run_id")).toEqual(namesOf([printedRun.shape]));
  expect(runs.find(({ id }) => id === full)).toEqual((await paste(GET, full)).body);
});

test("get a workflow run: one that has every field that is printed", async () => {
  expect(namesOf([await answerTo(200, run, GET, full)])).toEqual(namesOf([printedRun.shape]));
});

test("get a workflow run: one that has no optional field but its start", async () => {
  const fresh = await answerTo(200, run, GET, await atGate());
  expect(Object.keys(fresh).filter((name) => OPTIONAL.includes(name))).toEqual(["started_at"]);
});

test("cancel a workflow run: the page says Empty, and it is the run", async () => {
  expect(await answerTo(200, shapes.run, CANCEL, await atGate())).toMatchObject({ status: "canceled" });
});

test("list step runs", async () => {
  const steps = await answerTo(200, z.array(step), STEPS, full);
  expect(steps.map(({ step_ref }) => step_ref)).toEqual(["works", "fails", "gate"]);
  expect(namesOf(steps)).toEqual(namesOf([step.shape]));
});

test("pause and resume a workflow run", async () => {
  const id = await atGate();
  expect(await answerTo(200, shapes.run, PAUSE, id)).toMatchObject({ id, status: "paused" });
  expect(await answerTo(200, shapes.run, RESUME, id)).toMatchObject({ id, status: "running" });
});

test("retry from first failed step", async () => {
  expect(await answerTo(201, run, RETRY, full)).toMatchObject({ retry_of_run_id: full, triggered_by: "retry" });
});

test("approve an approval step", async () => {
  const { step_run, approval } = await answerTo(200, shapes.gateAnswer, APPROVE, await atGate(), "gate");
  expect([step_run.status, approval.status, approval.approved_by]).toEqual(["completed", "approved", "ada"]);
});

test("skip a step", async () => {
  const { step_run } = await answerTo(200, shapes.stepAnswer, SKIP, await atGate(), "gate");
  expect(step_run.status).toBe("skipped");
});

test("force-complete a step", async () => {
  const { step_run } = await answerTo(200, shapes.stepAnswer, FORCE_COMPLETE, await atGate(), "gate");
  expect(step_run.status).toBe("completed");
});

test("retry a single workflow step", async () => {
  const { step_run } = await answerTo(200, z.strictObject({ step_run: step }), STEP_RETRY, await canceled(), "gate");
  expect(step_run).toMatchObject({ step_ref: "gate", attempt: 2 });
});

test("replay a step subtree", async () => {
  const shape = z.strictObject({ reset_steps: z.int() });
  expect(await answerTo(200, shape, REPLAY_SUBTREE, await canceled(), "gate")).toEqual({ reset_steps: 2 });
});

// The bulk answers carry more than the page prints, and all that it prints.
test("bulk cancel workflow runs", async () => {
  const id = await atGate();
  const answer = await answerTo(200, shapes.bulkCanceled, BULK_CANCEL, id);
  expect(answer).toEqual({ canceled: 1, failed: 0, workflow_run_ids: [id] });
});

test("bulk replay workflow runs", async () => {
  const answer = await answerTo(200, shapes.bulkReplayed, BULK_REPLAY, await canceled());
  expect(answer).toMatchObject({ replayed: 1, failed: 0 });
});

test("every call without credentials is refused", async () => {
  const calls = [
    ...[LIST, GET, CANCEL, STEPS, PAUSE, RESUME, RETRY, APPROVE, SKIP, FORCE_COMPLETE, STEP_RETRY, REPLAY_SUBTREE],
    ...[BULK_CANCEL, BULK_REPLAY],
  ];
  expect(calls).toHaveLength(14);
  for (const call of calls) expect(await paste(call, full, "works", "")).toMatchObject({ status: 401 });
});

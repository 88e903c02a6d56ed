import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { WorkflowRun } from "../../../src/contract/runs.ts";
import {
  createJob,
  createWorkflow,
  gate,
  getRun,
  getStep,
  getSteps,
  listed,
  opens,
  reaches,
  runOf,
  stepReaches,
  trigger,
  wait,
  work,
} from "../definitions.ts";
import { answered, envelope, refused, run as runShape, stepRun } from "../shapes.ts";
import { type Stack, startStack } from "../../stack/harness.ts";
import { until } from "../../stack/until.ts";

let stack: Stack;
beforeAll(async () => {
  stack = await startStack();
});
afterAll(() => stack.stop());

const UNKNOWN = "01900000-0000-7000-8000-000000000000";
const NOT_RUN_IDS = [UNKNOWN, "string", "0", "01900000", `${UNKNOWN}0`, UNKNOWN.replaceAll("-", "")];

const get = (run: WorkflowRun) => stack.request("GET", `/v1/workflow-runs/${run.id}`);
const cancel = (run: WorkflowRun) => stack.request("DELETE", `/v1/workflow-runs/${run.id}`);
const steps = (run: WorkflowRun, query = "") => stack.request("GET", `/v1/workflow-runs/${run.id}/steps${query}`);
const pause = (run: WorkflowRun) => stack.request("POST", `/v1/workflow-runs/${run.id}/pause`);
const resume = (run: WorkflowRun) => stack.request("POST", `/v1/workflow-runs/${run.id}/resume`);

async function completedRun(): Promise<WorkflowRun> {
  return reaches(stack, await runOf(stack, [work("only", await createJob(stack))]), "completed");
}
async function atGate(over = {}): Promise<WorkflowRun> {
  const run = await runOf(stack, [gate("gate"), gate("second", { depends_on: ["gate"] })], over);
  await opens(stack, run, "gate");
  return run;
}

/** A run whose step "slow" calls an endpoint that answers when told to. */
async function runOfSlowStep(path: string, after: Record<string, unknown>[] = []) {
  let answer = () => {};
  stack.jobs.on(path, () => new Promise((resolve) => (answer = () => resolve({ body: { slow: true } }))));
  const job = await createJob(stack, path);
  const run = await runOf(stack, [work("slow", job), ...after]);
  await until(() => stack.jobs.callsTo(path).length === 1);
  return { run, answer: () => answer() };
}

describe("every verb of a run", () => {
  const verbs: [method: string, rest: string][] = [
    ["GET", ""],
    ["DELETE", ""],
    ["GET", "/steps"],
    ["POST", "/pause"],
    ["POST", "/resume"],
    ["POST", "/retry"],
  ];
  test.each(verbs)("%s …%s of an unknown or malformed id is a 404", async (method, rest) => {
    for (const id of NOT_RUN_IDS)
      refused(
        await stack.request(method, `/v1/workflow-runs/${id}${rest}`),
        404,
        "not_found",
        "workflow run not found",
      );
  });
  test.each(verbs)("%s …%s of another project's run is the same 404, and does nothing", async (method, rest) => {
    const run = await atGate();
    const token = stack.token({ projects: ["other"] });
    const answer = await stack.request(method, `/v1/workflow-runs/${run.id}${rest}`, undefined, { token });
    refused(answer, 404, "not_found", "workflow run not found");
    expect((await getRun(stack, run)).status).toBe("running");
  });
});

describe("getting a run", () => {
  test("shows what it was triggered with, and who by", async () => {
    const definition = await createWorkflow(stack, [gate("gate")], { max_parallel_steps: 4, timeout_secs: 3600 });
    const body = { payload: { order: 7 }, tags: { team: "a" }, triggered_by: "a script" };
    const run = answered(await get(await trigger(stack, definition, body)), 200, runShape);
    expect(run).toMatchObject({
      workflow_id: definition.id,
      workflow_version: 1,
      workflow_version_id: definition.version_id,
      project_id: "demo",
      status: "running",
      triggered_by: "a script",
      created_by: "ada",
      max_parallel_steps: 4,
      payload: { order: 7 },
      tags: { team: "a" },
    });
    expect(Date.parse(run.expires_at ?? "") - Date.parse(run.created_at)).toBe(3_600_000);
  });

  test("with wait_secs, is answered when the run has ended, or as it is when that is not in time", async () => {
    const run = await runOf(stack, [gate("gate")]);
    await opens(stack, run, "gate");
    const path = `/v1/workflow-runs/${run.id}`;
    expect((await stack.request("GET", `${path}?wait_secs=1`)).body).toMatchObject({ status: "running" });

    const ended = stack.request("GET", `${path}?wait_secs=20`);
    await stack.request("POST", `${path}/steps/gate/approve`);
    expect((await ended).body).toMatchObject({ status: "completed" });
    expect((await stack.request("GET", `${path}?wait_secs=20`)).body).toMatchObject({ status: "completed" });

    const canceled = await runOf(stack, [gate("gate")]);
    const end = stack.request("GET", `/v1/workflow-runs/${canceled.id}?wait_secs=20`);
    await cancel(canceled);
    expect((await end).body).toMatchObject({ status: "canceled" });

    const odd = await stack.request("GET", `${path}?wait_secs=soon`);
    refused(odd, 400, "validation_error", "wait_secs must be a whole number of seconds");
  });

  test("leaves out what has no value", async () => {
    const run = answered(await get(await atGate()), 200, runShape);
    expect(Object.keys(run).sort()).toEqual(
      [
        ...["id", "workflow_id", "project_id", "status", "triggered_by", "workflow_version", "workflow_version_id"],
        ...["created_by", "created_at", "started_at"],
      ].sort(),
    );
  });

  test("shows the same times, and the same created_by, on every read", async () => {
    const first = await runOf(stack, [gate("gate")], { timeout_secs: 3600 });
    await opens(stack, first, "gate");
    const constants = ({ id, created_at, started_at, expires_at, created_by }: WorkflowRun) => {
      return { id, created_at, started_at, expires_at, created_by };
    };
    const open = await getRun(stack, first);
    const canceled = answered(await cancel(first), 200, runShape) as WorkflowRun;
    const reads = [open, canceled, await getRun(stack, first), await listed(stack, first)];
    expect(first.started_at).toBeDefined();
    for (const read of reads) expect(constants(read as WorkflowRun)).toEqual(constants(first));
    for (const read of reads.slice(2)) expect(read).toEqual(canceled);
  });

  test("shows a failed step's own words as its error", async () => {
    stack.jobs.on("/boom", () => ({ status: 500, body: "boom" }));
    const job = await createJob(stack, "/boom");
    const run = await reaches(stack, await runOf(stack, [work("only", job)]), "failed");
    answered(await get(run), 200, runShape);
    expect(run.error).toBe("endpoint returned 500: boom");
    const inList = await until(async () => {
      const item = await listed(stack, run);
      return item?.finished_at && item;
    });
    expect(inList).toEqual(run);
    expect(await getStep(stack, run, "only")).toMatchObject({ status: "failed", error: run.error });
  });
});

describe("canceling a run", () => {
  test("closes it and its steps at once, and the list shows it", async () => {
    const run = await atGate();
    const canceled = answered(await cancel(run), 200, runShape);
    expect(canceled).toMatchObject({ id: run.id, status: "canceled", error: "canceled by user" });
    expect(canceled.finished_at).toBeDefined();
    expect(await listed(stack, run)).toEqual(canceled);
    for (const step of await getSteps(stack, run)) {
      expect(step).toMatchObject({ status: "canceled", error: "workflow canceled by user" });
      expect(step.finished_at).toBeDefined();
    }
  });

  test("cancels what its steps had begun: the job run and the waiting event", async () => {
    const { run, answer } = await runOfSlowStep("/canceled", [wait("paid", "canceled-key")]);
    await opens(stack, run, "paid");
    answered(await cancel(run), 200, runShape);
    const { job_run_id } = await getStep(stack, run, "slow");
    await until(async () => {
      const jobRun = await stack.request<{ status: string }>("GET", `/v1/runs/${job_run_id}`);
      return jobRun.body.status === "canceled";
    });
    const sent = await stack.request("POST", "/v1/events/canceled-key/send", { payload: 1 });
    refused(sent, 409, "conflict", "event trigger is not in waiting state");
    answer();
  });

  test("leaves the steps that had ended as they were", async () => {
    const job = await createJob(stack);
    const run = await runOf(stack, [work("done", job), gate("gate", { depends_on: ["done"] })]);
    await opens(stack, run, "gate");
    answered(await cancel(run), 200, runShape);
    expect(await getStep(stack, run, "done")).toMatchObject({ status: "completed", output: {} });
  });

  test("works on a paused run", async () => {
    const run = await atGate();
    answered(await pause(run), 200, runShape);
    expect(answered(await cancel(run), 200, runShape).status).toBe("canceled");
  });

  test("of a run that is over is refused: it is not idempotent", async () => {
    const run = await atGate();
    await cancel(run);
    for (const over of [run, await completedRun()])
      refused(await cancel(over), 400, "invalid_state", "workflow run already in terminal state");
  });

  test("against an approval: whatever was answered 200 is true afterwards", async () => {
    const run = await runOf(stack, [gate("gate")]);
    await opens(stack, run, "gate");
    const [canceled, approved] = await Promise.all([
      cancel(run),
      stack.request("POST", `/v1/workflow-runs/${run.id}/steps/gate/approve`),
    ]);
    const over = await until(async () => {
      const now = await getRun(stack, run);
      return now.finished_at && now;
    });
    expect(over.status).toBe(canceled.status === 200 ? "canceled" : "completed");
    expect((await getStep(stack, run, "gate")).status).toBe(approved.status === 200 ? "completed" : "canceled");
    if (canceled.status !== 200) expect([400, 409]).toContain(canceled.status);
    if (approved.status !== 200) refused(approved, 400, "invalid_state", "step gate is already in terminal state");
  });
});

describe("listing a run's steps", () => {
  const refs = ["zeta", "alpha", "mid", "beta"];
  let run: WorkflowRun;
  beforeAll(async () => {
    run = await runOf(
      stack,
      refs.map((ref, i) => gate(ref, { depends_on: refs.slice(Math.max(0, i - 1), i) })),
    );
    await opens(stack, run, "zeta");
  });

  test("shows all of them, in the order of the definition, whatever changes", async () => {
    const shown = async () => (await getSteps(stack, run)).map(({ step_ref }) => step_ref);
    expect(await shown()).toEqual(refs);
    await stack.request("POST", `/v1/workflow-runs/${run.id}/steps/mid/skip`);
    expect(await shown()).toEqual(refs);
    const answer = await steps(run);
    const [first, second] = answered(answer, 200, stepRun.array());
    expect(first).toMatchObject({ workflow_run_id: run.id, attempt: 1, status: "waiting", deps_required: 0 });
    expect(second).toMatchObject({ attempt: 1, status: "waiting", deps_completed: 0, deps_required: 1 });
    expect(second).not.toHaveProperty("started_at");
    expect(answer.headers.get("x-has-more")).toBe("false");
  });

  test("shows more than a page of them at once, unless a limit is given", async () => {
    const many = await runOf(
      stack,
      Array.from({ length: 120 }, (_, i) => gate(`s${i}`)),
    );
    expect(answered(await steps(many), 200, stepRun.array())).toHaveLength(120);
    expect(answered(await steps(many, "?limit=500"), 200, stepRun.array())).toHaveLength(100);
  });

  test("in pages, when a limit is given, is followed by header or envelope to the last", async () => {
    const first = await steps(run, "?limit=3");
    expect(answered(first, 200, stepRun.array()).map(({ step_ref }) => step_ref)).toEqual(refs.slice(0, 3));
    expect(first.headers.get("x-has-more")).toBe("true");
    const cursor = first.headers.get("x-next-cursor") ?? "";
    expect(first.headers.get("link")).toBe(`</v1/workflow-runs/${run.id}/steps?limit=3&cursor=${cursor}>; rel="next"`);
    const last = await steps(run, `?limit=3&cursor=${cursor}&envelope=true`);
    const { data, ...rest } = answered(last, 200, envelope(stepRun));
    expect(data.map(({ step_ref }) => step_ref)).toEqual(refs.slice(3));
    expect(rest).toEqual({ has_more: false });
  });

  test("refuses a limit or a cursor that is none", async () => {
    refused(await steps(run, "?limit=0"), 400, "validation_error", "limit must be a positive integer");
    refused(await steps(run, "?cursor=nonsense"), 400, "validation_error", "cursor is not one of this list");
  });

  test("shows an ended job step with its output and its job run", async () => {
    stack.jobs.on("/output", () => ({ body: { ok: true, n: 12345678901234567890n } }));
    const job = await createJob(stack, "/output");
    const done = await reaches(stack, await runOf(stack, [work("only", job)]), "completed");
    const [step] = answered(await steps(done), 200, stepRun.array());
    expect(step).toMatchObject({ status: "completed", output: { ok: true, n: 12345678901234567890n } });
    expect(step?.job_run_id).toBeDefined();
  });
});

describe("pausing and resuming a run", () => {
  test("answer the run, and the list shows it", async () => {
    const run = await atGate();
    const paused = answered(await pause(run), 200, runShape);
    expect(paused).toMatchObject({ id: run.id, status: "paused" });
    expect(await listed(stack, run)).toEqual(paused);
    const resumed = answered(await resume(run), 200, runShape);
    expect(resumed).toMatchObject({ id: run.id, status: "running" });
    expect(await listed(stack, run)).toEqual(resumed);
  });

  test("pausing twice is pausing once; resuming twice is refused", async () => {
    const run = await atGate();
    const once = answered(await pause(run), 200, runShape);
    expect(answered(await pause(run), 200, runShape)).toEqual(once);
    answered(await resume(run), 200, runShape);
    refused(await resume(run), 400, "invalid_state", "workflow run is not paused");
  });

  test("are refused once the run is over", async () => {
    const completed = await completedRun();
    const canceled = await atGate();
    await cancel(canceled);
    for (const run of [completed, canceled]) {
      refused(await pause(run), 400, "invalid_state", "workflow run already in terminal state");
      refused(await resume(run), 400, "invalid_state", "workflow run is not paused");
    }
  });

  test("a call on its way ends while the run is paused; what comes after it waits for the resume", async () => {
    const job = await createJob(stack, "/after-pause");
    const { run, answer } = await runOfSlowStep("/paused", [work("after", job, { depends_on: ["slow"] })]);
    answered(await pause(run), 200, runShape);
    answer();
    await stepReaches(stack, run, "slow", "completed");
    expect(await getStep(stack, run, "after")).toMatchObject({
      status: "waiting",
      deps_completed: 1,
      deps_required: 1,
    });
    expect((await getRun(stack, run)).status).toBe("paused");
    expect(stack.jobs.callsTo("/after-pause")).toHaveLength(0);
    await resume(run);
    await reaches(stack, run, "completed");
    expect(stack.jobs.callsTo("/after-pause")).toHaveLength(1);
  });

  test("a run paused during its last step completes, and then there is nothing to resume", async () => {
    const { run, answer } = await runOfSlowStep("/paused-last");
    await pause(run);
    answer();
    await reaches(stack, run, "completed");
    refused(await resume(run), 400, "invalid_state", "workflow run is not paused");
  });
});

describe("retrying a run", () => {
  const retry = (run: WorkflowRun, token?: string) =>
    stack.request("POST", `/v1/workflow-runs/${run.id}/retry`, undefined, { token });

  test("makes a new one that keeps what was completed and what it was made of", async () => {
    stack.jobs.on("/kept", () => ({ body: { kept: 1 } }));
    stack.jobs.on("/flaky", (_call, nth) => (nth === 1 ? { status: 400, body: "no" } : { body: { parent: "ok" } }));
    const [kept, flaky] = [await createJob(stack, "/kept"), await createJob(stack, "/flaky")];
    const definition = await createWorkflow(
      stack,
      [work("a", kept), work("b", flaky, { depends_on: ["a"] }), work("c", kept, { depends_on: ["b"] }), gate("off")],
      { max_parallel_steps: 3, timeout_secs: 600, tags: { of: "workflow" } },
    );
    const source = await trigger(stack, definition, {
      payload: { order: 12345678901234567890n },
      tags: { team: "a" },
      step_overrides: [{ step_ref: "off", enabled: false }],
    });
    const failed = await reaches(stack, source, "failed");
    const answer = await retry(failed, stack.token({ sub: "bob" }));
    const again = answered(answer, 201, runShape);
    expect(answer.headers.get("location")).toBe(`/v1/workflow-runs/${again.id}`);
    const { id, status, triggered_by, retry_of_run_id, created_at, started_at, expires_at, ...same } = again;
    expect({ status, triggered_by, retry_of_run_id }).toEqual({
      status: "running",
      triggered_by: "retry",
      retry_of_run_id: source.id,
    });
    expect(failed).toMatchObject(same);
    expect(Date.parse(expires_at ?? "") - Date.parse(created_at)).toBe(600_000);
    expect(await listed(stack, again)).toBeDefined();

    const done = await reaches(stack, again, "completed");
    const [a, b, c, ...others] = await getSteps(stack, done);
    expect(others).toEqual([]);
    expect(a).toMatchObject({ status: "completed", output: { kept: 1 } });
    expect(a?.started_at).toBe(a?.finished_at);
    expect(a).not.toHaveProperty("job_run_id");
    expect([b, c]).toMatchObject([{ status: "completed", output: { parent: "ok" } }, { status: "completed" }]);
    expect(stack.jobs.callsTo("/kept")).toHaveLength(2);
    expect((await getRun(stack, source)).status).toBe("failed");
  });

  test("of a completed run copies all steps and completes at once", async () => {
    const source = await completedRun();
    const calls = stack.jobs.calls.length;
    const again = answered(await retry(source), 201, runShape) as WorkflowRun;
    await reaches(stack, again, "completed");
    expect(stack.jobs.calls).toHaveLength(calls);
  });

  test("of a canceled run starts what had not ended; each call makes another run", async () => {
    const source = await atGate();
    await cancel(source);
    const first = answered(await retry(source), 201, runShape) as WorkflowRun;
    const second = answered(await retry(source), 201, runShape) as WorkflowRun;
    expect(first.id).not.toBe(second.id);
    for (const again of [first, second]) await opens(stack, again, "gate");
  });

  test("of a run that is not over is refused", async () => {
    const run = await atGate();
    const TERMINAL_ONLY = "can only retry a workflow run in terminal state";
    refused(await retry(run), 400, "invalid_state", TERMINAL_ONLY);
    await pause(run);
    refused(await retry(run), 400, "invalid_state", TERMINAL_ONLY);
  });

  test("honours max_concurrent_runs", async () => {
    const definition = await createWorkflow(stack, [gate("gate")], { max_concurrent_runs: 1 });
    const source = await trigger(stack, definition);
    await opens(stack, source, "gate");
    await cancel(source);
    const running = await trigger(stack, definition);
    refused(await retry(source), 409, "conflict", "max concurrent runs reached");
    await cancel(running);
    answered(await retry(source), 201, runShape);
  });

  test("of a disabled workflow's run is a conflict", async () => {
    const definition = await createWorkflow(stack, [gate("gate")]);
    const source = await trigger(stack, definition);
    await cancel(source);
    await stack.deps.db.query("update workflows set enabled = false where id = $1", [definition.id]);
    refused(await retry(source), 409, "conflict", "workflow is disabled");
  });
});

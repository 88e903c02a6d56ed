import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createJob, gate, getStep, ok, opens, reaches, runOf, wait, work } from "../definitions.ts";
import { explainedOn, said } from "./explained.ts";
import { type Stack, startStack } from "../../stack/harness.ts";
import { until } from "../../stack/until.ts";

let stack: Stack;
beforeAll(async () => {
  stack = await startStack();
});
afterAll(() => stack.stop());

const { explained, tells, verb } = explainedOn(() => stack);

describe("why a step waits", () => {
  test("for what it depends on, which is told as it is now", async () => {
    const run = await runOf(stack, [gate("a"), gate("b"), gate("c"), gate("join", { depends_on: ["a", "b", "c"] })]);
    for (const ref of ["a", "b", "c"]) await opens(stack, run, ref);
    await verb(run, "steps/a/approve");
    await verb(run, "steps/c/approve");
    const [one] = await explained(run, "?step_ref=join");
    expect(one).toMatchObject({
      workflow_run_id: run.id,
      step_run_id: (await getStep(stack, run, "join")).id,
      decision_type: "scheduler",
      decision: "wait",
      explanation: "2 of 3 done: waits for `b`",
      details: { reason: "dependencies", done: 2, required: 3, waits_for: ["b"] },
      created_at: (await getStep(stack, run, "c")).finished_at,
    });
    await verb(run, "steps/b/approve");
    await opens(stack, run, "join");
    await tells(run, "join scheduler/wait approval of ada");
    expect(await explained(run, "?step_ref=join")).toHaveLength(1);
  });

  test("for an approval, an event, a sleep's end", async () => {
    const run = await runOf(
      stack,
      [
        gate("gate", { approval_approvers: ["ops", "ada"], approval_timeout_secs: 3600 }),
        gate("endless"),
        wait("wait", "order-{{payload.n}}", { event_timeout_secs: 60 }),
        { step_ref: "sleep", step_type: "sleep", sleep_duration_secs: 600 },
      ],
      {},
      { payload: { n: 7 } },
    );
    await opens(stack, run, "gate");
    await opens(stack, run, "wait");
    await tells(run, /wait scheduler\/wait/);
    const all = await explained(run);
    const of = (ref: string) => all.filter(({ step_ref }) => step_ref === ref);
    const startOf = async (ref: string) => (await getStep(stack, run, ref)).started_at ?? "";
    const later = async (ref: string, secs: number) => {
      const at = await startOf(ref);
      return new Date(Date.parse(at) + secs * 1000).toISOString().slice(0, 19);
    };
    expect(of("gate")).toMatchObject([{ decision: "wait", created_at: await startOf("gate") }]);
    expect(of("gate")[0]?.explanation).toContain(`approval of ops, ada until ${await later("gate", 3600)}`);
    expect(of("gate")[0]?.details).toMatchObject({ reason: "approval", approvers: ["ops", "ada"] });
    expect(of("endless")).toMatchObject([{ explanation: "approval of ada", details: { reason: "approval" } }]);
    expect(of("wait")).toHaveLength(1);
    expect(of("wait")[0]?.explanation).toContain(`waits for event order-7 until ${await later("wait", 60)}`);
    expect(of("sleep")[0]?.explanation).toContain(`sleeps until ${await later("sleep", 600)}`);
  });

  test("for as many approvals as its gate needs, which is told anew with each", async () => {
    const run = await runOf(stack, [gate("gate", { approval_approvers: ["ada", "bob"], approvals_required: 2 })]);
    await tells(run, "gate scheduler/wait 0 of 2 approved: approval of ada, bob");
    await verb(run, "steps/gate/approve");
    await tells(run, "gate scheduler/wait 1 of 2 approved: approval of ada, bob");
    expect(said(await explained(run))).toEqual([
      "gate scheduler/wait 1 of 2 approved: approval of ada, bob",
      "gate scheduler/wait 0 of 2 approved: approval of ada, bob",
    ]);
  });

  test("for its next attempt", async () => {
    stack.jobs.on("/fails", () => ({ status: 503, headers: { "retry-after": "3600" } }));
    const job = await createJob(stack, "/fails", { max_attempts: 5 });
    const run = await runOf(stack, [work("call", job)]);
    await tells(run, /^call scheduler\/wait retry 2 of 5 at /);
    const [one] = await explained(run);
    expect(one?.details).toMatchObject({ reason: "retry", attempt: 2, max_attempts: 5 });
    expect(Date.parse(String(one?.details.at)) - Date.parse(one?.created_at ?? "")).toBeGreaterThan(3_500_000);
  });

  test("for a place under a limit, each limit by its type; and what is over is told still", async () => {
    const answers: (() => void)[] = [];
    stack.jobs.on("/slow", () => new Promise((resolve) => answers.push(() => resolve({}))));
    const job = await createJob(stack, "/slow");
    const large = (n: number) => work(`large${n}`, job, { resource_class: "large" });
    const keyed = (ref: string) => work(ref, job, { concurrency_key: "deploy" });
    const steps = [...[1, 2, 3, 4, 5, 6, 7].map(large), keyed("one"), keyed("two")];
    const run = await runOf(stack, steps);
    await tells(run, "two concurrency/wait another step holds the concurrency_key deploy");
    const all = said(await explained(run)).sort();
    expect(all).toEqual([
      "large6 resource/wait limit large 5/5",
      "large7 resource/wait limit large 5/5",
      "two concurrency/wait another step holds the concurrency_key deploy",
    ]);
    const typed = (type: string) => explained(run, `?decision_type=${type}`).then(said);
    expect((await typed("resource")).sort()).toEqual(all.slice(0, 2));
    expect(await typed("concurrency")).toEqual(all.slice(2));
    expect(await typed("condition")).toEqual([]);

    const narrow = await runOf(stack, [work("a", job), work("b", job)], { max_parallel_steps: 1 });
    await tells(narrow, "b scheduler/wait limit max_parallel_steps 1/1");
    await until(() => answers.length === 7);
    const answering = setInterval(() => answers.pop()?.(), 10);
    await reaches(stack, run, "completed");
    await reaches(stack, narrow, "completed");
    clearInterval(answering);
    expect(said(await explained(run)).sort()).toEqual(all);
  });

  test("the run is paused, by whom, since when and why, though none of its steps is held back by it", async () => {
    const run = await runOf(stack, [gate("a")]);
    await opens(stack, run, "a");
    await verb(run, "pause");
    await tells(run, "a scheduler/wait approval of ada");
    const [one, ...others] = await explained(run);
    expect(one).toMatchObject({
      ...{ step_ref: "", decision_type: "scheduler", decision: "wait", explanation: "the run is paused by ada" },
      details: { reason: "run_paused", by: "ada" },
    });
    expect(said(others)).toEqual(["a scheduler/wait approval of ada"]);
    expect(Date.parse(one?.created_at ?? "")).toBeGreaterThanOrEqual(Date.parse(run.created_at));
    expect(said(await explained(run, "?step_ref=a"))).toEqual(["a scheduler/wait approval of ada"]);
    await verb(run, "resume");
    expect(said(await explained(run))).toEqual(["a scheduler/wait approval of ada"]);
    const because = { reason: "the *bank* is down" };
    expect(await verb(run, "pause?dryRun=true", because)).toMatchObject({ status_after: "paused" });
    await verb(run, "pause", because);
    await tells(run, " scheduler/wait the run is paused by ada: the *bank* is down");
    await ok(stack, "POST", `/v1/workflow-runs/${run.id}/pause`, {}, { token: stack.token({ sub: "ops" }) });
    expect(said(await explained(run))).toContain(" scheduler/wait the run is paused by ada: the *bank* is down");
    await verb(run, "resume");
    const body = { project_id: "demo", operation: "pause", ids: [run.id], reason: "maintenance" };
    await ok(stack, "POST", "/v1/bulk-operations", body, { token: stack.token({ sub: "ops" }) });
    await tells(run, " scheduler/wait the run is paused by ops: maintenance");
  });

  test("for who paused the run", async () => {
    const run = await runOf(stack, [gate("a"), gate("b", { depends_on: ["a"] })]);
    await opens(stack, run, "a");
    await verb(run, "pause");
    await verb(run, "steps/a/approve");
    await tells(run, "b scheduler/wait the run is paused by ada");
    await verb(run, "resume");
    await opens(stack, run, "b");
    await tells(run, "b scheduler/wait approval of ada");
    expect(said(await explained(run, "?step_ref=b"))).toEqual([
      "b scheduler/wait approval of ada",
      "b scheduler/wait the run is paused by ada",
    ]);
  });
});

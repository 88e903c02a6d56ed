import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Stack, startStack } from "../stack/harness.ts";
import { type Scenario, scenarioOn } from "../stack/scenario.ts";
import { until } from "../stack/until.ts";

/*
 * What is known to go wrong in engines of this kind, races and restarts above all, is tested where it belongs:
 *  1 step retry, replay-subtree        api/steps, faults/reopen, engine/recovery
 *  2 retries used up                   here
 *  3 branches beside a waiting gate    here
 *  4 a false condition                 workflows/failure-policy
 *  5 parents that end together         here
 *  6 answers at once                   here
 *  7 races for a step's end            endings.test.ts, api/runs, engine/stale-news
 *  8 what a failed run leaves behind   endings.test.ts, workflows/sub-workflows
 *  9 bulk verbs                        api/bulk
 * 10 overrides of an earlier run       api/runs/trigger
 * 11 retry of a run                    api/runs, workflows/failure-policy
 * 12 other projects                    access/matrix, api/runs, api/steps, api/steps/events
 * 13 failed triggers, failed children  api/runs/trigger, workflows/sub-workflows
 * 14 order of steps                    api/runs
 * 15 bad definitions                   engine/validate, api/definitions
 * 16 cursors                           api/lists, api/same-instant, store
 * 17 digits                            workflows/job-steps, api/runs/trigger, unit/json
 * 18 answers, tokens, SSRF             workflows/job-steps, workflows/private-endpoints
 * 19 gates passed by, reject           api/steps, engine/commands
 * 20 empty bodies, SDK names           api/steps, api/runs/trigger, api/definitions
 * 21 one dispatch an attempt           here
 * 22 joins                             here, engine/dependencies
 * 23 ten approvals at once             api/steps
 * 24 gates behind other steps          here, api/steps
 * 25 an event key used before          endings.test.ts, api/steps/events
 * 27 probes that lock callers out      api/health
 * 28 kill -9                           faults/worker-killed
 * 29 outputs                           workflows/job-steps, api/runs
 * 30 the endpoint's own words          workflows/job-steps, api/runs
 * 31 unknown steps, raw database text  api/steps, api/internal-errors
 * 32 events to approvals               api/steps/events
 */

let stack: Stack;
let on: Scenario;
beforeAll(async () => {
  stack = await startStack();
  on = scenarioOn(stack);
});
afterAll(() => stack.stop());

const GATE = { step_ref: "a-gate", step_type: "approval", approval_approvers: ["ada"] };

describe.concurrent("the scheduler", () => {
  test("applies on_failure to a step whose attempts are used up, and the run ends", async () => {
    stack.jobs.on("/always-500", () => ({ status: 500, body: "still down" }));
    const run = await on.start([
      { step_ref: "tried", calls: "/always-500", retry_max_attempts: 2, on_failure: "continue" },
      { step_ref: "after", calls: "/after-retries", depends_on: ["tried"] },
    ]);
    expect(await on.ends(run)).toMatchObject({ status: "completed" });
    expect(await on.step(run, "tried")).toMatchObject({
      status: "failed",
      attempt: 2,
      error: "endpoint returned 500: still down",
    });
    expect(stack.jobs.callsTo("/after-retries")).toHaveLength(1);
  });

  test("lets a parallel branch go on beside gates that wait, and never opens those again", async () => {
    const run = await on.start([
      GATE,
      { step_ref: "b-event", step_type: "wait_for_event", event_key: "beside" },
      { step_ref: "c-nap", step_type: "sleep", sleep_duration_secs: 600 },
      { step_ref: "x", calls: "/branch" },
      { step_ref: "y", calls: "/branch", depends_on: ["x"] },
      { step_ref: "z", calls: "/branch", depends_on: ["y"] },
    ]);
    const opened = await Promise.all(["a-gate", "b-event", "c-nap"].map((ref) => on.opens(run, ref)));
    await until(async () => (await on.step(run, "z")).status === "completed");

    const now = (await on.steps(run)).slice(0, 3);
    expect(now.map(({ status, started_at }) => ({ status, started_at }))).toEqual(
      opened.map(({ started_at }) => ({ status: "waiting", started_at })),
    );
    await on.cancel(run);
  });

  test("opens an approval, an event and a sleep behind other steps, as roots", async () => {
    const run = await on.start([
      { step_ref: "job", calls: "/first-of-chain" },
      { step_ref: "nap", step_type: "sleep", sleep_duration_secs: 1, depends_on: ["job"] },
      { ...GATE, depends_on: ["nap"] },
      { step_ref: "paid", step_type: "wait_for_event", event_key: "behind", depends_on: ["a-gate"] },
      { step_ref: "last", calls: "/last-of-chain", depends_on: ["paid"] },
    ]);
    const gate = await on.opens(run, "a-gate");
    expect(Date.parse(gate.started_at ?? "")).toBeGreaterThanOrEqual(
      Date.parse((await on.step(run, "nap")).finished_at ?? ""),
    );
    expect(await on.steer(run, "approve", "a-gate")).toMatchObject({ status: 200 });
    await on.sends("behind");
    expect(await on.ends(run)).toMatchObject({ status: "completed" });
  });

  test("calls each step of a wide fan-out once, however fast they answer, and joins them once", async () => {
    const width = 15;
    const parents = Array.from({ length: width }, (_, i) => `p${i}`);
    const workflow = await on.workflow([
      { step_ref: "root", calls: "/root" },
      ...parents.map((step_ref) => ({ step_ref, calls: "/fan", depends_on: ["root"] })),
      { step_ref: "join", calls: "/join", depends_on: parents },
    ]);
    const runs = await Promise.all([1, 2, 3].map(() => on.trigger(workflow)));

    for (const run of runs) {
      expect(await on.ends(run)).toMatchObject({ status: "completed" });
      const steps = await on.steps(run);
      for (const { step_ref, status, deps_completed, deps_required, job_run_id } of steps) {
        expect({ step_ref, status, deps_completed }).toEqual({
          step_ref,
          status: "completed",
          deps_completed: deps_required,
        });
        expect(stack.jobs.calls.filter(({ headers }) => headers["x-run-id"] === job_run_id)).toHaveLength(1);
      }
    }
    const calls = ["/root", "/fan", "/join"].map((path) => stack.jobs.callsTo(path).length);
    expect(calls).toEqual([runs.length, runs.length * width, runs.length]);
  });

  test("starts each join once when its parents end in the same moment, and keeps to max_parallel_steps", async () => {
    const release = stack.jobs.hold("/together");
    const answer = stack.jobs.hold("/after-together");
    const parents = ["p1", "p2", "p3", "p4"];
    const joins = Array.from({ length: 12 }, (_, i) => `join-${i}`);
    const run = await on.start(
      [
        ...parents.map((step_ref) => ({ step_ref, calls: "/together" })),
        ...joins.map((step_ref) => ({ step_ref, calls: "/after-together", depends_on: parents })),
      ],
      {},
      { max_parallel_steps: 4 },
    );
    await until(() => stack.jobs.callsTo("/together").length === 4);
    release();
    const started = async () => Object.values(await on.statuses(run)).filter((status) => status === "running").length;
    expect(await until(async () => (await started()) >= 4 && started())).toBe(4);
    answer();

    expect(await on.ends(run)).toMatchObject({ status: "completed" });
    expect(stack.jobs.callsTo("/after-together")).toHaveLength(joins.length);
  });
});

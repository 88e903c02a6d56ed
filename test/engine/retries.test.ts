import { describe, expect, it } from "vitest";
import { given, type Story } from "./given.ts";
import { BEGIN, child, job } from "./plans.ts";
import { attemptRow } from "../../workflows/engine/mirror/attempts.ts";
import { jobDelaySecs } from "../../workflows/engine/steps/retries.ts";

/** Attempts and the delays before them, until the step is over. */
function attempts(more: Parameters<typeof job>[2], classes: string[], random = 0.5, job_max_attempts = 3) {
  const run = given([job("call", [], more)]);
  const delays: number[] = [];
  for (const [i, name] of classes.entries()) {
    run.fails("call", { class: name, error: `failure ${i + 1}`, random, job_max_attempts });
    const { deadline } = run.state("call");
    if (deadline === undefined) break;
    delays.push((deadline - run.now) / 1000);
    run.later((deadline - run.now) / 1000);
  }
  return { run, delays, attempt: run.step("call").attempt };
}

const MIXED = Array.from({ length: 20 }, (_, i) => (i % 2 ? "server" : "connection"));

describe("between two attempts a step holds no place", () => {
  const failsOnce = (run: Story, ref: string) => run.fails(ref, { class: "server" });
  const work = (run: Story) =>
    run.plan.steps.flatMap(({ step_ref }) => run.work(step_ref).map((w) => `${step_ref} ${w}`));

  it.each([
    ["max_parallel_steps", {}, { max_parallel_steps: 1 }],
    ["a concurrency_key", { concurrency_key: "db" }, {}],
    ["a resource_class", { resource_class: "large" } as const, {}],
  ])("under %s, and waits for one when it is due, in the order of the definition", (_, more, header) => {
    const places = "resource_class" in more ? 5 : 1;
    const refs = Array.from({ length: places + 2 }, (_, i) => `s${i}`);
    const run = given(
      refs.map((ref) => job(ref, [], more)),
      header,
    );
    const [first = "", next = "", last = ""] = [refs[0], refs[places], refs[places + 1]];
    failsOnce(run, first);
    expect(run.statuses).toMatchObject({ [first]: "running", [next]: "running", [last]: "pending" });
    expect([run.work(first), run.work(next), run.work(last)]).toEqual([["timer"], ["dispatch"], []]);
    // Due, but all places are taken.
    run.later(1);
    expect([run.work(first), run.step(first).attempt, run.step(first).status]).toEqual([[], 1, "running"]);
    run.later(9).completes(next);
    expect([run.work(first), run.step(first).attempt, run.work(last)]).toEqual([["dispatch"], 2, []]);
    expect(run.step(first).attempt_started_at).toBe(run.now);
    expect(run.completes(first).work(last)).toEqual(["dispatch"]);
  });

  it("nor does it in a sub-workflow's or a later step's way", () => {
    const run = given([job("a"), child("sub"), job("b", ["sub"])], { max_parallel_steps: 1 });
    failsOnce(run, "a");
    expect(work(run)).toEqual(["a timer", "sub child"]);
    run.news("sub", { type: "child_started" });
    const child_run_id = run.state("sub").child_run_id ?? "";
    run.happens({ type: "child_ended", child_run_id, status: "completed" });
    expect(work(run)).toEqual(["a timer", "b dispatch"]);
    expect(work(run.later(1).completes("b"))).toEqual(["a dispatch"]);
  });

  it("which a paused run gives to what was called before, and to nothing else", () => {
    const run = given([job("a"), job("b"), job("c")], { max_parallel_steps: 1 });
    failsOnce(run, "a");
    run.does("pause").later(1);
    expect(work(run)).toEqual(["b dispatch"]);
    run.completes("b");
    expect(work(run)).toEqual(["a dispatch"]);
    run.completes("a");
    expect([work(run), run.does("resume").work("c")]).toEqual([[], ["dispatch"]]);
  });

  it("news of the attempt that has failed come too late", () => {
    const run = given([job("a"), job("b")], { max_parallel_steps: 1 });
    failsOnce(run, "a").later(1);
    const before = run.everything;
    expect(run.completes("a").everything).toBe(before);
    expect(failsOnce(run, "a").everything).toBe(before);
  });

  it("each attempt is told of with its own end", () => {
    const run = given([job("a"), job("b")], { max_parallel_steps: 1 });
    failsOnce(run, "a").later(5).completes("b");
    const [earlier] = run.run.dirty.attempts;
    expect(earlier).toMatchObject({
      attempt: 1,
      status: "failed",
      error: "boom",
      started_at: BEGIN,
      finished_at: BEGIN,
    });
    expect(attemptRow(run.run, 0)).toMatchObject({ attempt: 2, status: "running", started_at: BEGIN + 5000 });
  });

  it("is canceled with its run, and does not come back", () => {
    const run = given([job("a"), job("b")], { max_parallel_steps: 1 });
    failsOnce(run, "a").later(1).happens({ type: "cancel_requested" });
    expect([run.statuses, work(run)]).toEqual([{ a: "canceled", b: "canceled" }, []]);
    expect(work(run.does("retry", "a"))).toEqual(["a dispatch"]);
  });

  it("keeps it in a run from before that, as its history has it", () => {
    const run = given([job("a"), job("b")], { max_parallel_steps: 1, rules: undefined });
    failsOnce(run, "a");
    expect(work(run)).toEqual(["a timer"]);
    expect(work(run.later(1))).toEqual(["a dispatch"]);
    expect(run.step("a").attempt).toBe(2);
  });
});

describe("attempts of a job step", () => {
  it("happen within one job run, and are counted by the step", () => {
    const run = given([job("call")]);
    const id = run.step("call").job_run_id;
    run.fails("call", { class: "server", error: "first" });
    expect(run.step("call")).toMatchObject({ status: "running", attempt: 1 });
    run.later(1);
    expect(run.step("call")).toMatchObject({ status: "running", attempt: 2, job_run_id: id, started_at: BEGIN });
    expect(run.state("call").last_failure).toMatchObject({ class: "server", error: "first" });
    expect(run.completes("call").step("call")).toMatchObject({ status: "completed", attempt: 2, error: undefined });
  });

  it("end with the last one's own message", () => {
    const { run } = attempts({ retry_max_attempts: 2 }, ["server", "server"]);
    expect(run.step("call")).toMatchObject({ status: "failed", error: "failure 2", attempt: 2 });
    expect(run.row.error).toBe("failure 2");
  });

  it("are as many as the step says, else as many as the job says", () => {
    expect(attempts({ retry_max_attempts: 5 }, MIXED).attempt).toBe(5);
    expect(attempts({ retry_max_attempts: 1 }, MIXED).attempt).toBe(1);
    expect(attempts({}, MIXED, 0.5, 7).attempt).toBe(7);
    expect(attempts({ retry_max_attempts: 0 }, MIXED, 0.5, 1).attempt).toBe(1);
  });

  it.each(["client", "auth", "budget", "oom"])("stop at a failure of class %s", (name) => {
    expect(attempts({ retry_max_attempts: 5 }, [name]).attempt).toBe(1);
    expect(attempts({ retry_max_attempts: 5 }, ["server", name]).attempt).toBe(2);
  });

  it.each(["server", "timeout", "connection", "transient", "rate_limited", "unknown", "anything"])(
    "go on after class %s",
    (name) => {
      expect(attempts({}, [name]).delays).toHaveLength(1);
    },
  );

  it("stop from the third on when two in a row fail the same way, unless the step has its own limit", () => {
    expect(attempts({}, Array<string>(9).fill("server"), 0.5, 9).attempt).toBe(3);
    expect(attempts({}, ["server", "server", "timeout", "server", "server", "server"], 0.5, 9).attempt).toBe(5);
    expect(attempts({}, MIXED, 0.5, 9).attempt).toBe(9);
    expect(attempts({ retry_max_attempts: 6 }, Array<string>(9).fill("server")).attempt).toBe(6);
  });

  it("wait 1, 2, 4 … seconds by default, up to an hour", () => {
    const { delays } = attempts({ retry_max_attempts: 20 }, MIXED);
    expect(delays.slice(0, 4)).toEqual([1, 2, 4, 8]);
    expect(Math.max(...delays)).toBe(3600);
  });

  it("wait as the step says", () => {
    const limits = { retry_max_attempts: 6, retry_initial_delay_secs: 3, retry_max_delay_secs: 10 };
    expect(attempts(limits, MIXED).delays).toEqual([3, 6, 10, 10, 10]);
    expect(attempts({ ...limits, retry_backoff: "fixed" }, MIXED).delays).toEqual([3, 3, 3, 3, 3]);
  });

  it("are spread by 20 % either way, after the cap", () => {
    const limits = { retry_max_attempts: 3, retry_initial_delay_secs: 10, retry_max_delay_secs: 10 };
    expect(attempts(limits, MIXED, 0).delays).toEqual([8, 8]);
    expect(attempts(limits, MIXED, 0.999999).delays).toEqual([12, 12]);
  });

  it("wait for as long as the endpoint asks, where that is longer, and no longer than the step's longest delay", () => {
    const delay = (retry_after_ms: number, more = {}) => {
      const run = given([job("call", [], more)]).fails("call", { class: "rate_limited", retry_after_ms });
      return ((run.state("call").deadline ?? 0) - run.now) / 1000;
    };
    expect(delay(30_500)).toBe(30.5);
    expect(delay(200)).toBe(1);
    expect(delay(0)).toBe(1);
    expect(delay(1e15)).toBe(3600);
    expect(delay(60_000, { retry_max_delay_secs: 7 })).toBe(7);
    expect(delay(60_000, { retry_backoff: "fixed", retry_initial_delay_secs: 90 })).toBe(90);
  });

  it("wait as the job says, unless the step says itself", () => {
    const delay = (job_delay_secs: number | undefined, more = {}) => {
      const run = given([job("call", [], more)]).fails("call", { class: "server", job_delay_secs });
      return ((run.state("call").deadline ?? 0) - run.now) / 1000;
    };
    expect([delay(undefined), delay(30), delay(7200)]).toEqual([1, 30, 7200]);
    expect(delay(30, { retry_backoff: "fixed" })).toBe(1);
    expect(delay(30, { retry_initial_delay_secs: 3 })).toBe(3);
    expect(delay(30, { retry_max_delay_secs: 9 })).toBe(1);
    expect(delay(30, { retry_max_attempts: 5, retry_backoff: "exponential" })).toBe(30);
  });

  it("wait longer and longer, or by a list, as the job's strategy is", () => {
    const delays = (strategy: string | undefined, list?: number[]) =>
      [1, 2, 3, 4, 5000].map((n) => jobDelaySecs(strategy, list, n));
    expect(delays("linear")).toEqual([1, 2, 3, 4, 3600]);
    expect(delays("fixed")).toEqual([1, 1, 1, 1, 1]);
    expect(delays("custom", [5, 60, 7])).toEqual([5, 60, 7, 7, 7]);
    for (const strategy of ["exponential", undefined]) expect(delays(strategy)).toEqual(Array(5).fill(undefined));
  });

  it("end where the next one would begin after the job's time", () => {
    const run = given([job("call", [], { retry_max_attempts: 9 })]);
    run.fails("call", { class: "server", job_ttl_secs: 3 }).later(1);
    expect(run.step("call")).toMatchObject({ status: "running", attempt: 2 });
    run.fails("call", { class: "server", job_ttl_secs: 3, error: "second" });
    expect(run.step("call")).toMatchObject({ status: "failed", attempt: 2, error: "second" });
  });

  it("do not outlive the run", () => {
    const run = given([job("call")], { timeout_secs: 5 })
      .fails("call", { class: "server" })
      .happens({ type: "cancel_requested" });
    expect(run.later(60).step("call")).toMatchObject({ status: "canceled", attempt: 1 });
  });
});

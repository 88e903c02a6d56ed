import { describe, expect, it } from "vitest";
import { given } from "./given.ts";
import { BEGIN, job } from "./plans.ts";

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

  it("end with the last one's own message (§8.30)", () => {
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

  it("do not outlive the run", () => {
    const run = given([job("call")], { timeout_secs: 5 })
      .fails("call", { class: "server" })
      .happens({ type: "cancel_requested" });
    expect(run.later(60).step("call")).toMatchObject({ status: "canceled", attempt: 1 });
  });
});

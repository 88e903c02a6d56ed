import { describe, expect, it } from "vitest";
import { given, text } from "../given.ts";
import { chain, ENDINGS } from "./chain.ts";
import { approval, job } from "../plans.ts";

describe("replay of a subtree", () => {
  it("resets the step and all after it, completed or not, and keeps the rest", () => {
    const run = chain().completes("a", text("A")).completes("side").completes("b").completes("c");
    expect(run.row.status).toBe("completed");
    for (const attempt of [2, 3]) {
      run.later(5);
      const { id, reset_steps } = run.command("replay-subtree", "b");
      expect(reset_steps).toBe(2);
      expect(run.run.replies.get(id)?.step).toMatchObject({ status: "pending", deps_completed: 1 });
      expect(run.statuses).toEqual({ a: "completed", b: "running", c: "waiting", side: "completed" });
      expect(run.step("c")).toMatchObject({ attempt, generation: attempt - 1, deps_completed: 0, output: undefined });
      expect(run.completes("b").completes("c").row.status).toBe("completed");
    }
    expect(run.step("a")).toMatchObject({ attempt: 1, generation: 0, output: text("A") });
  });

  it.each(ENDINGS)("works twice in a row on a %s run", (status, end) => {
    const run = end(chain().completes("a"));
    for (const attempt of [2, 3]) {
      expect(run.row.status).toBe(status);
      expect(run.command("replay-subtree", "a").reset_steps).toBe(4);
      expect(run.statuses).toEqual({ a: "running", b: "waiting", c: "waiting", side: "waiting" });
      expect(run.step("a").attempt).toBe(attempt);
      end(run.completes("a"));
    }
  });

  it("in an open run cancels what of it is running", () => {
    const run = chain().completes("a");
    const old = run.step("b").job_run_id;
    expect(run.work("b")).toEqual(["dispatch"]);
    run.does("replay-subtree", "a");
    expect(run.statuses).toEqual({ a: "running", b: "waiting", c: "waiting", side: "waiting" });
    expect(run.work("b")).toEqual([]);
    run.completes("a");
    expect(run.step("b")).toMatchObject({ status: "running", attempt: 2 });
    expect(run.step("b").job_run_id).not.toBe(old);
  });

  it("of a paused run takes any step, also one that is open, and lets the run go on", () => {
    const run = given([job("a"), approval("gate"), job("end", ["a", "gate"])]).does("pause");
    expect(run.command("replay-subtree", "a").reset_steps).toBe(2);
    expect(run.row.status).toBe("running");
    expect(run.step("a")).toMatchObject({ status: "running", attempt: 2 });
    run.does("pause").does("replay-subtree", "gate");
    expect(run.step("gate")).toMatchObject({ status: "waiting", attempt: 2 });
    expect(run.approval("gate")?.status).toBe("pending");
    run.does("pause").does("replay-subtree", "end").completes("a").does("approve", "gate");
    expect(run.completes("end").row.status).toBe("completed");
  });

  it("skips again what needs a step outside of it that ended badly", () => {
    const policy = { on_failure: "skip_dependents" } as const;
    const run = given([job("bad", [], policy), job("good"), job("join", ["bad", "good"]), job("end", ["join"])]);
    run.fails("bad").completes("good").does("replay-subtree", "good");
    expect(run.statuses).toEqual({ bad: "failed", good: "running", join: "skipped", end: "skipped" });
    expect(run.completes("good").row.status).toBe("failed");
  });
});

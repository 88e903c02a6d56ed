import { describe, expect, it } from "vitest";
import { given } from "./given.ts";
import { approval, job, sleep } from "./plans.ts";
import { pauseIn } from "../../workflows/engine/reasons/waits.ts";

describe("a paused run", () => {
  it("lets what is in flight go on, and starts nothing new", () => {
    const run = given([job("a"), job("b", ["a"])]).does("pause");
    expect(run.work("a")).toEqual(["dispatch"]);
    run.completes("a");
    expect(run.statuses).toEqual({ a: "completed", b: "waiting" });
    expect(run.step("b").deps_completed).toBe(1);
    expect(run.row.status).toBe("paused");
    expect(run.does("resume").statuses).toEqual({ a: "completed", b: "running" });
  });

  it("goes on with the attempts of a job that is in flight", () => {
    const run = given([job("a")])
      .does("pause")
      .fails("a", { class: "server" });
    expect(run.work("a")).toEqual(["timer"]);
    expect(run.later(1).work("a")).toEqual(["dispatch"]);
    expect(run.step("a").attempt).toBe(2);
  });

  it("goes on counting: sleeps end, gates and the run time out", () => {
    const run = given([
      sleep("nap"),
      job("after", ["nap"]),
      approval("gate", [], { approval_timeout_secs: 90, on_failure: "continue" }),
    ]);
    run.does("pause").later(60);
    expect(run.statuses).toEqual({ nap: "completed", after: "waiting", gate: "waiting" });
    expect(run.later(30).statuses.gate).toBe("failed");
    const limited = given([approval("gate")], { timeout_secs: 100 })
      .does("pause")
      .later(100);
    expect(limited.row).toMatchObject({ status: "timed_out", error: "workflow timed out" });
  });

  it("may be approved, stays paused, and goes on after resume", () => {
    const run = given([approval("gate"), job("deploy", ["gate"])])
      .does("pause")
      .does("approve", "gate");
    expect(run.row.status).toBe("paused");
    expect(run.statuses).toEqual({ gate: "completed", deploy: "waiting" });
    expect(run.does("resume").statuses.deploy).toBe("running");
  });

  it("stays paused by whom it was, for their reason, until somebody gives another one", () => {
    const run = given([approval("gate")]);
    const told = () => [pauseIn(run.run)?.actor, pauseIn(run.run)?.reason];
    run.does("pause", undefined, { reason: "lunch" });
    expect(run.command("pause", undefined, { actor: "eve" })).toMatchObject({ status: "applied" });
    expect(told()).toEqual(["ada", "lunch"]);
    run.command("pause", undefined, { actor: "eve", reason: "the bank is down" });
    expect(told()).toEqual(["eve", "the bank is down"]);
    run.does("resume").does("pause");
    expect(told()).toEqual(["ada", undefined]);
  });

  it("completes with its last step, and resume is refused then", () => {
    const run = given([job("last")])
      .does("pause")
      .completes("last");
    expect(run.row).toMatchObject({ status: "completed", finished_at: run.now });
    expect(run.command("resume").message).toBe("workflow run is not paused");
  });

  it("fails when a step fails the workflow, and leaves nothing behind", () => {
    const run = given([job("a"), job("b"), approval("gate"), job("c", ["a"])])
      .does("pause")
      .fails("a", { error: "no" });
    expect(run.row).toMatchObject({ status: "failed", error: "no" });
    expect(run.statuses).toEqual({ a: "failed", b: "canceled", gate: "canceled", c: "canceled" });
    expect(run.approval("gate")?.status).toBe("canceled");
    expect(["a", "b", "gate", "c"].flatMap((ref) => run.work(ref))).toEqual([]);
  });

  it("skips what a failed dependency leaves behind, also while paused", () => {
    const run = given([job("a", [], { on_failure: "skip_dependents" }), job("b", ["a"]), approval("gate")])
      .does("pause")
      .fails("a");
    expect(run.statuses).toEqual({ a: "failed", b: "skipped", gate: "waiting" });
  });

  it("can be canceled", () => {
    expect(
      given([job("a")])
        .does("pause")
        .happens({ type: "cancel_requested" }).row.status,
    ).toBe("canceled");
  });
});

import { describe, expect, it } from "vitest";
import { given, text } from "./given.ts";
import { approval, child, job, sleep, wait } from "./plans.ts";

describe("a wait_for_event step", () => {
  it("can be sent to once its key is registered, and completes with the payload", () => {
    const run = given([wait("paid"), job("ship", ["paid"])]);
    expect(run.work("paid")).toEqual(["open-wait", "timer"]);
    expect(run.trigger("paid")).toBeUndefined();
    run.news("paid", { type: "wait_opened", event_key: "paid:7" });
    expect(run.work("paid")).toEqual(["timer"]);
    expect(run.trigger("paid")).toMatchObject({ status: "waiting", event_key: "paid:7", timeout_secs: 3600 });

    run.does("send-event", "paid", { actor: "shop", result: text({ amount: 12 }) });
    expect(run.step("paid")).toMatchObject({ status: "completed", output: text({ amount: 12 }) });
    expect(run.trigger("paid")).toMatchObject({
      status: "received",
      sent_by: "shop",
      response_payload: text({ amount: 12 }),
    });
    expect(run.command("send-event", "paid")).toMatchObject({
      code: "conflict",
      message: "event trigger is not in waiting state",
    });
  });

  it.each([
    ["3600 s by default", undefined, 3600],
    ["3600 s for 0, in a run from before that meant no end,", 0, 3600, { rules: undefined }],
    ["its own timeout", 20, 20],
  ])("fails after %s", (_, event_timeout_secs, secs, header: { rules?: undefined } = {}) => {
    const run = given([wait("paid", [], { event_timeout_secs })], header).news("paid", {
      type: "wait_opened",
      event_key: "k",
    });
    expect(run.later(secs - 1).statuses).toEqual({ paid: "waiting" });
    run.later(1);
    expect(run.step("paid")).toMatchObject({ status: "failed", error: "event trigger timed out" });
    expect(run.trigger("paid")).toMatchObject({ status: "timed_out", error: "event trigger timed out" });
    expect(run.row).toMatchObject({ status: "failed", error: "event trigger timed out" });
  });

  it("has no end with a timeout of 0", () => {
    const run = given([wait("paid", [], { event_timeout_secs: 0 })]).news("paid", {
      type: "wait_opened",
      event_key: "k",
    });
    expect(run.later(10 * 365 * 86_400).statuses).toEqual({ paid: "waiting" });
    expect(run.work("paid")).toEqual([]);
    expect(run.trigger("paid")).toMatchObject({ status: "waiting", timeout_secs: 0, expires_at: undefined });
    expect(run.does("send-event", "paid").row.status).toBe("completed");
  });

  it("fails when its event is canceled", () => {
    const run = given([wait("paid")])
      .news("paid", { type: "wait_opened", event_key: "k" })
      .does("cancel-event", "paid");
    expect(run.step("paid")).toMatchObject({ status: "failed", error: "event trigger canceled by user" });
    expect(run.trigger("paid")).toMatchObject({ status: "canceled", error: "canceled by user" });
  });

  it("fails when its key is waited for by another", () => {
    const run = given([wait("paid", [], { on_failure: "continue" })]).news("paid", {
      type: "wait_refused",
      error: "event key taken",
    });
    expect(run.step("paid")).toMatchObject({ status: "failed", error: "event key taken" });
    expect(run.trigger("paid")).toBeUndefined();
  });

  it("shows what was sent to its key before the run had heard of the key", () => {
    const run = given([wait("paid")]).does("send-event", "paid", { event_key: "early", result: text(1) });
    expect(run.trigger("paid")).toMatchObject({ status: "received", event_key: "early", response_payload: text(1) });
    run.news("paid", { type: "wait_opened", event_key: "early" });
    expect(run.trigger("paid")).toMatchObject({ status: "received", event_key: "early", response_payload: text(1) });
  });

  it("is not sent to by a key that it had before a reset", () => {
    const run = given([wait("paid")]).news("paid", { type: "wait_opened", event_key: "new" });
    expect(run.command("send-event", "paid", { event_key: "old" })).toMatchObject({ code: "conflict" });
    expect(run.trigger("paid")).toMatchObject({ status: "waiting", event_key: "new" });
    run.does("send-event", "paid", { event_key: "new" });
  });

  it("shows its key as closed when it was registered only after the wait had ended", () => {
    const run = given([wait("paid")]).happens({ type: "cancel_requested" });
    run.news("paid", { type: "wait_opened", event_key: "late" });
    expect(run.trigger("paid")).toMatchObject({ status: "canceled", event_key: "late" });
    expect(run.statuses).toEqual({ paid: "canceled" });
  });

  it.each([
    ["approval", approval("other")],
    ["sleep", sleep("other")],
    ["job", job("other")],
  ])("is the only type that an event can be sent to: not %s", (_, other) => {
    const run = given([other]);
    const before = run.statuses;
    const why = { status: "refused", code: "conflict", message: "event trigger is not in waiting state" };
    expect(run.command("send-event", "other")).toMatchObject(why);
    expect(run.command("cancel-event", "other")).toMatchObject(why);
    expect(run.statuses).toEqual(before);
  });
});

describe("event_emit_key", () => {
  const emits = { event_emit_key: "done" };

  it("is sent once when a job, an event or a sleep completes", () => {
    const run = given([job("j", [], emits), wait("w", [], emits), sleep("s", [], emits), approval("open")]);
    run.completes("j").does("send-event", "w").later(60);
    for (const ref of ["j", "w", "s"]) {
      expect(run.work(ref)).toEqual(["emit"]);
      expect(run.news(ref, { type: "emitted" }).work(ref)).toEqual([]);
    }
  });

  it("is not sent for an approval, a sub-workflow, a skip, a force-complete or a failure", () => {
    const run = given([
      approval("a", [], emits),
      child("c", [], emits),
      sleep("skipped", [], emits),
      sleep("forced", [], emits),
      job("failed", [], { ...emits, on_failure: "continue" }),
      approval("open"),
    ]);
    run.happens({ type: "child_ended", child_run_id: run.state("c").child_run_id as string, status: "completed" });
    run.does("approve", "a").does("skip", "skipped").does("force-complete", "forced").fails("failed");
    expect(run.plan.steps.flatMap(({ step_ref }) => run.work(step_ref))).toEqual([]);
  });
});

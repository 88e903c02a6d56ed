import { describe, expect, it } from "vitest";
import { given } from "./given.ts";
import { approval, BEGIN, child, job, sleep, wait } from "./plans.ts";

const ALL_TYPES = [job("job"), approval("gate"), wait("event"), sleep("nap"), child("sub"), job("later", ["job"])];
const everyType = (header: Parameters<typeof given>[1] = {}) =>
  given(ALL_TYPES, header)
    .news("event", { type: "wait_opened", event_key: "k" })
    .news("sub", { type: "child_started" });

describe("a canceled run", () => {
  it("cancels every step, gate, event and timer", () => {
    const run = everyType().later(3).happens({ type: "cancel_requested" });
    expect(run.row).toMatchObject({ status: "canceled", error: "canceled by user", finished_at: run.now });
    for (const { step_ref } of ALL_TYPES) {
      expect(run.step(step_ref)).toMatchObject({
        status: "canceled",
        error: "workflow canceled by user",
        finished_at: run.now,
      });
      expect(run.work(step_ref)).toEqual([]);
      expect(run.state(step_ref).deadline).toBeUndefined();
    }
    expect(run.approval("gate")?.status).toBe("canceled");
    for (const ref of ["gate", "event", "nap"])
      expect(run.trigger(ref)).toMatchObject({ status: "canceled", error: "workflow canceled" });
  });

  it("keeps what was over", () => {
    const run = given([job("a"), job("b")])
      .completes("a")
      .happens({ type: "cancel_requested" });
    expect(run.statuses).toEqual({ a: "completed", b: "canceled" });
  });
});

describe("a run with a time limit", () => {
  it("times out when it is due, and everything open is canceled", () => {
    const run = everyType({ timeout_secs: 30 });
    expect(run.row.expires_at).toBe(BEGIN + 30_000);
    expect(run.later(29.999).row.status).toBe("running");
    run.later(0.001);
    expect(run.row).toMatchObject({ status: "timed_out", error: "workflow timed out", finished_at: BEGIN + 30_000 });
    expect(new Set(Object.values(run.statuses))).toEqual(new Set(["canceled"]));
    expect(run.approval("gate")?.status).toBe("canceled");
  });

  it("doesn't when it is over in time", () => {
    expect(
      given([job("a")], { timeout_secs: 30 })
        .completes("a")
        .later(60).row.status,
    ).toBe("completed");
  });

  it("has none with 0", () => {
    expect(given([job("a")], { timeout_secs: 0 }).row.expires_at).toBeUndefined();
  });
});

it.each([
  [{ status: "canceled", error: "terminated: by hand" }, "terminated: by hand"],
  [{ status: "completed" }, "what became of the step was not stored"],
] as const)("a run that was ended from outside as %o ends with all that it holds", (end, error) => {
  const run = everyType().happens({ type: "ended_outside", ...end });
  expect(run.row).toMatchObject(end);
  for (const ref of ["job", "sub"]) expect(run.step(ref)).toMatchObject({ status: "canceled", error });
});

describe("a sub-workflow's run", () => {
  it("never outlives its parent's limit", () => {
    const expires_no_later_than = BEGIN + 10_000;
    expect(given([job("a")], { timeout_secs: 30, expires_no_later_than }).row.expires_at).toBe(BEGIN + 10_000);
    expect(given([job("a")], { timeout_secs: 5, expires_no_later_than }).row.expires_at).toBe(BEGIN + 5_000);
    expect(given([job("a")], { expires_no_later_than }).row.expires_at).toBe(BEGIN + 10_000);
  });

  it.each([
    ["canceled", "parent workflow canceled"],
    ["timed_out", "parent workflow timed out"],
  ] as const)("is %s with its parent's step", (status, error) => {
    const run = everyType().happens({ type: "parent_closed", status });
    expect(run.row).toMatchObject({ status, error });
    expect(run.step("job")).toMatchObject({ status: "canceled", error });
  });
});

describe("a run that is over", () => {
  it("hears of nothing any more", () => {
    const run = everyType({ timeout_secs: 30 });
    const { generation } = run.state("job");
    run.happens({ type: "cancel_requested" });
    const before = run.everything;
    const sub = run.index("sub");
    run.happens({ type: "cancel_requested" });
    run.happens({ type: "run_expired" });
    run.happens({ type: "parent_closed", status: "timed_out" });
    run.happens({ type: "attempt_completed", step: run.index("job"), generation, attempt: 1 });
    run.happens({ type: "child_ended", child_run_id: run.state("sub").child_run_id as string, status: "completed" });
    run.happens({ type: "child_started", step: sub, generation });
    run.later(7200);
    expect(run.everything).toBe(before);
  });
});

import { describe, expect, it } from "vitest";
import { given, text } from "./given.ts";
import { approval, job, planWith, sleep, wait } from "./plans.ts";
import { evolve } from "../../workflows/engine/evolve.ts";
import { initialRun } from "../../workflows/engine/run.ts";

const ended = (...refs: string[]) => {
  const run = given([...refs.map((ref) => job(ref))]);
  for (const ref of refs) run.completes(ref);
  return run;
};

describe("approve", () => {
  const gated = () => given([approval("gate"), approval("later", ["gate"]), job("build"), job("deploy", ["gate"])]);

  it.each([
    ["of a step that is not there", "nope", "ada", "not_found", "workflow step run not found"],
    ["by one who is no approver", "gate", "eve", "approver_not_allowed", "approver eve is not allowed for step gate"],
    ["of a step without an approval", "build", "ada", "invalid_state", "approval not found for step build"],
    ["of a gate that is not open yet", "later", "ada", "invalid_state", "approval not found for step later"],
  ])("%s is refused", (_, ref, actor, code, message) => {
    for (const verb of ["approve", "reject"] as const) {
      const run = gated();
      const before = run.statuses;
      expect(run.command(verb, ref, { actor })).toMatchObject({ status: "refused", code, message, actor });
      expect(run.statuses).toEqual(before);
    }
  });

  it("of a step that is over is refused", () => {
    const run = gated().does("approve", "gate");
    const refusal = { status: "refused", code: "invalid_state", message: "step gate is already in terminal state" };
    expect(run.command("approve", "gate")).toMatchObject(refusal);
    expect(run.happens({ type: "cancel_requested" }).command("approve", "later").message).toBe(
      "step later is already in terminal state",
    );
  });

  it("ten times at once is applied once, and the run completes", () => {
    const run = given([approval("gate"), job("deploy", ["gate"])]);
    const outcomes = Array.from({ length: 10 }, (_, i) => run.command("approve", "gate", { id: `c${i}` }));
    expect(outcomes.map(({ status }) => status)).toEqual(["applied", ...Array<string>(9).fill("refused")]);
    expect(run.step("deploy")).toMatchObject({ status: "running", deps_completed: 1, deps_required: 1 });
    expect(run.completes("deploy").row.status).toBe("completed");
  });

  it("answers what it showed when it was applied, before the run went on", () => {
    const run = given([approval("gate"), sleep("nap", ["gate"])]);
    const { id } = run.command("approve", "gate");
    run.later(60);
    expect(run.row.status).toBe("completed");
    expect(run.run.replies.get(id)).toMatchObject({
      run: { status: "running" },
      step: { step_ref: "gate", status: "completed" },
      approval: { status: "approved", approved_by: "ada" },
    });
  });
});

describe("reject", () => {
  it.each([
    ["with a reason", "too risky", "approval rejected by bob: too risky"],
    ["without a reason", undefined, "approval rejected by bob"],
  ])("%s fails the step, and its failure policy applies", (_, reason, error) => {
    const run = given([approval("gate"), job("deploy", ["gate"])]).does("reject", "gate", { actor: "bob", reason });
    expect(run.step("gate")).toMatchObject({ status: "failed", error });
    expect(run.approval("gate")).toMatchObject({ status: "rejected", approved_by: "bob", error: reason });
    expect(run.trigger("gate")?.status).toBe("canceled");
    expect(run.statuses.deploy).toBe("canceled");
    expect(run.row).toMatchObject({ status: "failed", error });
  });
});

describe("skip", () => {
  it("lets dependents go on, and says why", () => {
    const run = given([approval("gate"), job("deploy", ["gate"])]).does("skip", "gate", {
      actor: "op",
      may_override: true,
      reason: "not needed",
    });
    expect(run.step("gate")).toMatchObject({ status: "skipped", error: "not needed", finished_at: run.now });
    expect(run.statuses.deploy).toBe("running");
  });

  it("of an approval is an override, not an approval", () => {
    const run = given([approval("gate")]).does("skip", "gate", {
      actor: "op",
      may_override: true,
      reason: "not needed",
    });
    expect(run.approval("gate")).toMatchObject({ status: "overridden", approved_by: "op", error: "not needed" });
    expect(run.approval("gate")?.approved_at).toBeUndefined();
    expect(run.trigger("gate")?.status).toBe("canceled");
  });

  it("works on a step whose dependencies are not done", () => {
    const run = given([job("a"), job("b", ["a"]), job("c", ["b"])]).does("skip", "b");
    expect(run.statuses).toEqual({ a: "running", b: "skipped", c: "running" });
    expect(run.completes("a").statuses).toEqual({ a: "completed", b: "skipped", c: "running" });
  });
});

describe("force-complete", () => {
  it("completes a gate with the given output, as an override", () => {
    const run = given([approval("gate", [], { approval_timeout_secs: 60 }), job("deploy", ["gate"])]);
    const by = { actor: "op", may_override: true };
    run.does("force-complete", "gate", { ...by, result: text({ forced: true }), reason: "late" });
    expect(run.step("gate")).toMatchObject({ status: "completed", output: text({ forced: true }), cause: "operator" });
    expect(run.approval("gate")).toMatchObject({ status: "overridden", approved_by: "op", error: "late" });
    expect(run.trigger("gate")?.status).toBe("canceled");
    expect(run.later(60).statuses, "its timeout is gone with it").toEqual({ gate: "completed", deploy: "running" });
  });

  it("of a step whose dependencies still run completes it early; the step is never run", () => {
    const run = given([job("a"), job("b", ["a"])]).does("force-complete", "b");
    expect(run.step("b")).toMatchObject({
      status: "completed",
      started_at: undefined,
      deps_completed: 0,
      deps_required: 1,
    });
    run.completes("a");
    expect(run.step("b")).toMatchObject({
      status: "completed",
      started_at: undefined,
      job_run_id: undefined,
      deps_completed: 1,
    });
    expect(run.row.status).toBe("completed");
  });

  it("of a waiting event closes its trigger", () => {
    const run = given([wait("paid")])
      .news("paid", { type: "wait_opened", event_key: "k" })
      .does("force-complete", "paid");
    expect(run.trigger("paid")?.status).toBe("canceled");
    expect(run.row.status).toBe("completed");
  });
});

describe.each(["skip", "force-complete"] as const)("%s", (verb) => {
  it("is refused for a step that is running or over", () => {
    const run = given([job("a"), job("b", ["a"])]);
    expect(run.command(verb, "a")).toMatchObject({
      code: "invalid_state",
      message: `cannot ${verb} step in running status`,
    });
    expect(run.completes("a").command(verb, "a").message).toBe(`cannot ${verb} step in completed status`);
    expect(run.happens({ type: "cancel_requested" }).command(verb, "b").message).toBe(
      `cannot ${verb} step in canceled status`,
    );
    expect(run.command(verb, "nope")).toMatchObject({ code: "not_found", message: "workflow step run not found" });
    expect(run.command(verb)).toMatchObject({ code: "not_found", message: "workflow step run not found" });
  });
});

describe("pause and resume", () => {
  it("are refused where they make no sense, in the words that clients know", () => {
    const run = given([job("a")]);
    expect(run.command("resume")).toMatchObject({ code: "invalid_state", message: "workflow run is not paused" });
    run.does("pause").does("pause");
    expect(run.row.status).toBe("paused");
    run.does("resume");
    for (const over of [run.completes("a"), given([job("a")]).happens({ type: "cancel_requested" })]) {
      expect(over.command("pause")).toMatchObject({
        code: "invalid_state",
        message: "workflow run already in terminal state",
      });
      expect(over.command("resume")).toMatchObject({ code: "invalid_state", message: "workflow run is not paused" });
    }
  });

  it("pause is refused before the run runs", () => {
    const run = initialRun(planWith([job("a")]));
    run.state.status = "pending";
    evolve(run, { type: "command", id: "early", verb: "pause", actor: "ada", at: 0 });
    expect(run.outcomes.get("early")?.message).toBe("workflow run can only be paused from running state");
  });
});

describe("a command", () => {
  it("with an id that was seen is applied once, and its first outcome stays", () => {
    const run = given([approval("gate"), approval("second")]);
    run.command("approve", "gate", { id: "same", actor: "ada" });
    const before = run.everything;
    expect(run.command("reject", "second", { id: "same", actor: "bob" })).toMatchObject({
      verb: "approve",
      step_ref: "gate",
      actor: "ada",
    });
    expect(run.everything).toBe(before);
  });

  it("that was refused stays refused under its id", () => {
    const run = given([job("a"), approval("gate", ["a"])]);
    expect(run.command("approve", "gate", { id: "early" }).status).toBe("refused");
    expect(run.completes("a").command("approve", "gate", { id: "early" }).status).toBe("refused");
    expect(run.statuses.gate).toBe("waiting");
  });

  it("is remembered with its actor, time and outcome, without its documents", () => {
    const run = given([approval("gate")]).later(7);
    const by = { actor: "op", may_override: true };
    run.command("force-complete", "gate", { id: "x", ...by, reason: "why", result: text("large") });
    expect(run.run.state.commands).toEqual([
      { id: "x", verb: "force-complete", actor: "op", step_ref: "gate", at: run.now, status: "applied" },
    ]);
  });
});

describe("recovery verbs", () => {
  it.each([
    ["retry", "step run must be terminal to retry", "workflow step run not found"],
    ["replay-subtree", "step run must be terminal to replay", "step not found in workflow version"],
  ] as const)("%s is refused for a step that is not over, and for one that is not there", (verb, open, unknown) => {
    const run = given([job("a"), approval("gate")]);
    expect(run.command(verb, "a")).toMatchObject({ code: "invalid_state", message: open });
    expect(run.command(verb, "gate")).toMatchObject({ code: "invalid_state", message: open });
    expect(run.command(verb, "nope")).toMatchObject({ code: "not_found", message: unknown });
    expect(ended("a").command(verb, "nope")).toMatchObject({ code: "not_found", message: unknown });
  });

  it.each([
    ["retry", 'step_ref: "a" is running: only what is over can be retried'],
    ["replay-subtree", 'step_ref: "a" is running: what is not over can be replayed while the run is paused'],
    ["skip", 'step_ref: "a" is running: only what is pending or waiting can be passed over'],
    ["force-complete", 'step_ref: "a" is running: only what is pending or waiting can be passed over'],
  ] as const)("%s that comes too early says how the step is, and when it could be done", (verb, detail) => {
    expect(given([job("a")]).command(verb, "a").details).toEqual([detail]);
  });

  it("retry of an open step is refused in a paused run too", () => {
    expect(
      given([approval("gate")])
        .does("pause")
        .command("retry", "gate").message,
    ).toBe("step run must be terminal to retry");
  });
});

import { describe, expect, it } from "vitest";
import type { RunStatus } from "../../../src/contract/runs.ts";
import { given, type Story } from "../given.ts";
import { child, job } from "../plans.ts";

const began = (more: Parameters<typeof child>[2] = {}) =>
  given([child("sub", [], more), job("after", ["sub"])]).news("sub", { type: "child_started" });
const childOf = (run: Story) => run.state("sub").child_run_id ?? "";
const ends = (run: Story, status: RunStatus, life?: number) =>
  run.happens({ type: "child_ended", child_run_id: childOf(run), status, life });

describe("a sub-workflow that did not complete", () => {
  it("is opened again when its step is retried; what it told of its former end no longer counts", () => {
    const run = began();
    const first = childOf(run);
    run.happens({ type: "cancel_requested" }).does("retry", "sub");
    expect(run.state("sub")).toMatchObject({ status: "running", child: "reopened", child_run_id: first, attempt: 2 });
    run.news("sub", { type: "child_started" });
    expect(ends(run, "canceled").statuses.sub).toBe("running");
    expect(ends(run, "completed", 1).statuses).toEqual({ sub: "completed", after: "running" });
  });

  it("begins anew where the step never had one, is replayed or gets another payload", () => {
    const fresh: [string, Story][] = [
      [
        "refused",
        given([child("sub")])
          .news("sub", { type: "child_refused", error: "disabled" })
          .does("retry", "sub"),
      ],
      ["replayed", ends(began(), "failed").does("replay-subtree", "sub")],
      ["paid", ends(began(), "failed").does("retry", "sub", { payload: { text: "1" } })],
      ["own", ends(began(), "failed").does("retry", "sub", { step_payloads: { sub: { text: "1" } } })],
      ["completed", ends(began(), "completed").does("retry", "sub")],
    ];
    for (const [name, run] of fresh) expect([name, run.state("sub").child]).toEqual([name, undefined]);
    const ids = fresh.map(([, run]) => childOf(run));
    expect(new Set(ids)).not.toContain(childOf(began()));
  });

  it("that someone else opened is taken back by its step, once", () => {
    const run = ends(began({ on_failure: "skip_dependents" }), "failed");
    expect(run.statuses).toEqual({ sub: "failed", after: "skipped" });
    const adopt = { child_run_id: childOf(run) };
    run.does("adopt", undefined, adopt);
    expect(run.state("sub")).toMatchObject({ status: "running", child: "adopted", child_run_id: adopt.child_run_id });
    expect(run.command("adopt", undefined, adopt)).toMatchObject({ status: "refused", code: "conflict" });
    run.news("sub", { type: "child_started" });
    expect(ends(run, "completed", 1).statuses).toEqual({ sub: "completed", after: "running" });
    expect(run.command("adopt", undefined, { child_run_id: "another's" })).toMatchObject({ status: "refused" });
  });
});

describe("a run that is a sub-workflow", () => {
  const parent = { parent_workflow_run_id: "019571a0-0000-7000-8000-0000000000dd" };
  const failed = () =>
    given([job("a"), job("tolerated", [], { on_failure: "continue" }), job("b", ["a"]), job("c", ["b"])], parent)
      .completes("a")
      .fails("tolerated")
      .fails("b");

  it("goes on by its parent's word with what failed and what did not happen because of it, and nothing else", () => {
    const run = failed();
    run.does("reopen", undefined, { life: 3 });
    expect(run.statuses).toEqual({ a: "completed", tolerated: "failed", b: "running", c: "waiting" });
    expect(run.run.state).toMatchObject({ life: 3 });
    expect(run.run.state.returning).toBeUndefined();
  });

  it("names its end as its parent asked, also where there is nothing to run again", () => {
    for (const [run, status] of [
      [failed().does("retry", "b"), "refused"],
      [given([job("a")], parent).completes("a"), "refused"],
    ] as const) {
      expect(run.command("reopen", undefined, { life: 2 })).toMatchObject({ status, code: "conflict" });
      expect(run.run.state.life).toBe(2);
    }
    const told = failed();
    const before = told.statuses;
    told.does("reopen", undefined, { life: 4, only_tell: true });
    expect([told.statuses, told.run.state.life]).toEqual([before, 4]);
  });

  it("has to tell its parent when someone else opens it, until it is over again", () => {
    const run = failed().does("retry", "b");
    expect(run.run.state.returning).toBe(true);
    expect(run.happens({ type: "cancel_requested" }).run.state.returning).toBeUndefined();
  });
});

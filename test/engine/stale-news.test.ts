import { describe, expect, it } from "vitest";
import { given, type Story } from "./given.ts";
import { approval, child, job, sleep, wait } from "./plans.ts";
import type { RunEvent } from "../../workflows/engine/events.ts";

const late = { class: "server", error: "late", job_max_attempts: 3, random: 0.5 };

function unheard(run: Story, ...news: Parameters<Story["happens"]>[0][]) {
  const before = run.everything;
  for (const event of news) expect(run.happens(event).everything, JSON.stringify(event)).toBe(before);
}

describe("news of work that no longer counts changes nothing", () => {
  it("of an older attempt", () => {
    const run = given([job("a")]).fails("a", { class: "server" });
    const step = 0;
    const generation = 0;
    unheard(
      run,
      { type: "attempt_completed", step, generation, attempt: 1 },
      { type: "attempt_failed", step, generation, attempt: 1, ...late },
    );
    run.later(1);
    unheard(
      run,
      { type: "attempt_completed", step, generation, attempt: 1 },
      { type: "attempt_failed", step, generation, attempt: 1, ...late },
      { type: "deadline_passed", step, generation, deadline: run.now },
    );
  });

  it("of a step's life before a reset", () => {
    const run = given([
      job("a"),
      approval("gate", [], { approval_timeout_secs: 9 }),
      child("sub"),
      wait("event"),
      job("end", ["a", "gate", "sub", "event"]),
    ]);
    const { child_run_id } = run.state("sub");
    const { deadline } = run.state("gate");
    run.happens({ type: "cancel_requested" }).later(1).does("retry", "a");
    expect(run.statuses).toEqual({ a: "running", gate: "waiting", sub: "running", event: "waiting", end: "waiting" });
    const news: RunEvent[] = [
      { at: run.now, type: "attempt_completed", step: 0, generation: 0, attempt: 2 },
      { at: run.now, type: "attempt_failed", step: 0, generation: 0, attempt: 2, ...late },
      { at: run.now, type: "deadline_passed", step: 1, generation: 0, deadline: deadline as number },
      { at: run.now, type: "child_started", step: 2, generation: 0 },
      { at: run.now, type: "child_refused", step: 2, generation: 0, error: "late" },
      { at: run.now, type: "child_ended", child_run_id: child_run_id as string, status: "completed" },
      { at: run.now, type: "wait_refused", step: 3, generation: 0, error: "late" },
      { at: run.now, type: "wait_opened", step: 3, generation: 0, event_key: "late" },
      { at: run.now, type: "emitted", step: 0, generation: 0 },
    ];
    unheard(run, ...news);
  });

  it("of a step that is over", () => {
    const run = given([sleep("nap"), approval("gate", [], { approval_timeout_secs: 60 }), child("sub"), job("rest")]);
    const deadline = run.state("nap").deadline as number;
    const child_run_id = run.state("sub").child_run_id as string;
    run.happens({ type: "child_ended", child_run_id, status: "completed" }).does("skip", "nap").does("approve", "gate");
    unheard(
      run,
      { type: "deadline_passed", step: 0, generation: 0, deadline },
      { type: "deadline_passed", step: 1, generation: 0, deadline },
      { type: "child_ended", child_run_id, status: "failed", error: "late" },
      { type: "child_refused", step: 2, generation: 0, error: "late" },
    );
  });

  it("of a step or child that is not there", () => {
    unheard(
      given([job("a")]),
      { type: "attempt_completed", step: 7, generation: 0, attempt: 1 },
      { type: "wait_opened", step: 7, generation: 0, event_key: "k" },
      { type: "emitted", step: 7, generation: 0 },
      { type: "child_ended", child_run_id: "unknown", status: "failed" },
    );
  });

  it("a deadline that was moved", () => {
    const run = given([job("a")]).fails("a", { class: "server" });
    unheard(run, {
      type: "deadline_passed",
      step: 0,
      generation: 0,
      deadline: (run.state("a").deadline as number) - 1,
    });
  });
});

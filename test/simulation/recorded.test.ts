import { expect, test } from "vitest";
import { given, type Story } from "../engine/given.ts";
import { approval, job, type Step, wait } from "../engine/plans.ts";
import { Documents } from "../../src/simulation/documents.ts";
import { divergenceFrom } from "../../src/simulation/divergence.ts";
import type { Outcome } from "../../src/simulation/outcome.ts";
import { Payloads } from "../../src/simulation/payloads.ts";
import { recordedOutcomes } from "../../src/simulation/recorded-outcomes.ts";
import { Simulation } from "../../src/simulation/simulation.ts";
import { World } from "../../src/simulation/world.ts";
import { initialRun } from "../../workflows/engine/run.ts";

const JOB = { id: "019571a0-0000-7000-8000-0000000000bb", version_id: "ver_000000000000", enabled: true };
const JOBS = [{ ...JOB, max_attempts: 3, timeout_secs: 60 }];

/** The run that a story has told of, played again. */
function again({ run }: Story, changed: Record<string, Outcome> = {}) {
  const documents = new Documents();
  const recorded = recordedOutcomes(run, run.dirty.attempts, new Payloads(documents));
  const world = new World(documents, JOBS, new Map([...recorded, ...Object.entries(changed)]));
  const simulation = new Simulation(initialRun(run.plan), world, run.state.status === "timed_out");
  for (const _ of simulation.play());
  return { simulation, state: simulation.run.state, diverges: divergenceFrom(run, simulation) };
}

/** As on a real stack, where a step is seen to start a moment after it could. */
function startedLate(story: Story, ref: string): Story {
  const step = story.state(ref);
  step.started_at = (step.started_at ?? 0) + 50;
  return story;
}

test("what was open when a run timed out is open until the simulated one does", () => {
  const story = startedLate(
    given([job("a"), approval("b", ["a"])], { timeout_secs: 10 })
      .later(4)
      .completes("a"),
    "b",
  ).later(9);
  expect(story.row.status).toBe("timed_out");
  const { state, diverges } = again(story);
  expect([state.status, diverges]).toEqual(["timed_out", undefined]);
});

test("what was open when a run failed ends after what failed it, or, where that does not, after as long at least", () => {
  const steps: Step[] = [job("x"), approval("y"), wait("z", [], { event_timeout_secs: 0 })];
  const story = startedLate(given(steps).news("z", { type: "wait_opened", event_key: "z" }), "y")
    .later(7)
    .fails("x");
  const { state, diverges } = again(story);
  expect([state.status, diverges]).toEqual(["failed", undefined]);
  const other = again(story, { x: { ends: [{ after_ms: 20_000, is: "completed" }] } });
  expect(other.state.status).toBe("completed");
  expect(other.diverges).toMatchObject({ step_ref: "x", did: { status: "failed" }, would: { status: "completed" } });
  const lasted = other.state.steps.map(({ started_at = 0, finished_at = 0 }) => finished_at - started_at);
  expect(lasted).toEqual([20_000, 20_000, 20_000]);
});

test("a gate is reassigned and extended as it was, and so decided by whom, and as late as, it was", () => {
  const gate = { approval_timeout_secs: 100, approval_remind_every_secs: 60 };
  const story = given([approval("a", [], { ...gate, approval_escalation: [{ after_secs: 90, approvers: ["boss"] }] })]);
  story.later(50).does("extend", "a", { until: "2026-03-02T12:00:00Z" }).later(500);
  story
    .does("reassign", "a", { actor: "boss", approvers: ["cleo"] })
    .later(7)
    .does("approve", "a", { actor: "cleo" });
  expect(story.row.status).toBe("completed");
  const { state, diverges } = again(story);
  expect([state.status, diverges]).toEqual(["completed", undefined]);
  expect(state.steps[0]?.approval).toEqual(story.state("a").approval);
});

test("attempts are made when they were made, whatever chance had made of their delays", () => {
  const story = given([job("a", [], { retry_max_attempts: 3, retry_initial_delay_secs: 10 })]);
  story.later(2).fails("a", { class: "server", random: 1 }).later(20).fails("a", { class: "server", random: 0 });
  story.later(40).completes("a");
  const { simulation, diverges } = again(story);
  expect(diverges).toBeUndefined();
  const { created_at } = story.plan.run;
  const times = simulation.trace.begun[0]?.attempts.map(({ started_at }) => started_at - created_at);
  expect(times).toEqual([0, 14_000, 38_000]);
});

import { describe, expect, it } from "vitest";
import { given, type Story } from "./given.ts";
import { approval, job, type Step } from "./plans.ts";

const running = (run: Story) => Object.keys(run.statuses).filter((ref) => run.statuses[ref] === "running");
const many = (n: number, more: Partial<Step> = {}) => Array.from({ length: n }, (_, i) => job(`s${i}`, [], more));

describe("max_parallel_steps", () => {
  it("holds for roots too, and the first of the definition starts first", () => {
    const run = given(many(5), { max_parallel_steps: 2 });
    expect(running(run)).toEqual(["s0", "s1"]);
    expect(running(run.completes("s1"))).toEqual(["s0", "s2"]);
    expect(running(run.completes("s0"))).toEqual(["s2", "s3"]);
  });

  it("is shared by steps that other limits hold apart, still in the order of the definition", () => {
    const kinds = [{ resource_class: "large" }, { concurrency_key: "db" }, { resource_class: "medium" }, {}] as const;
    const run = given(
      kinds.map((more, i) => job(`s${i}`, [], more)),
      { max_parallel_steps: 1 },
    );
    for (const ref of ["s0", "s1", "s2", "s3"]) {
      expect(running(run)).toEqual([ref]);
      run.completes(ref);
    }
  });

  it("counts only running steps: gates take no place", () => {
    const run = given([approval("gate"), approval("gate2"), ...many(3)], { max_parallel_steps: 1 });
    expect(run.statuses).toMatchObject({ gate: "waiting", gate2: "waiting", s0: "running", s1: "pending" });
    expect(run.step("gate2").started_at).toBeDefined();
  });

  it("of 0 is none", () => {
    expect(running(given(many(40), { max_parallel_steps: 0 }))).toHaveLength(40);
  });
});

describe("concurrency_key", () => {
  it("lets one step a key run at once within a run", () => {
    const run = given([
      ...many(3, { concurrency_key: "db" }),
      job("other", [], { concurrency_key: "web" }),
      job("free"),
    ]);
    expect(running(run)).toEqual(["s0", "other", "free"]);
    expect(running(run.completes("s0"))).toEqual(["s1", "other", "free"]);
  });

  it("is free again after a failure", () => {
    const run = given(many(2, { concurrency_key: "db", on_failure: "continue" })).fails("s0");
    expect(running(run)).toEqual(["s1"]);
  });
});

describe("resource_class", () => {
  it.each([
    ["small", 50],
    ["medium", 20],
    ["large", 5],
  ] as const)("%s has %i places a run", (resource_class, places) => {
    const run = given([
      ...many(places + 2, { resource_class }),
      job("last", [], { resource_class: resource_class === "small" ? "large" : "small" }),
    ]);
    expect(running(run)).toHaveLength(places + 1);
    expect(run.statuses.last).toBe("running");
    run.completes("s0");
    expect(run.statuses).toMatchObject({ [`s${places}`]: "running", [`s${places + 1}`]: "pending" });
  });
});

describe("a step held back by a limit", () => {
  it("has its condition looked at when its turn comes", () => {
    const condition = { type: "step_status", step_ref: "first", status: "completed" };
    const run = given([job("first"), job("second", [], { condition })], { max_parallel_steps: 1 });
    expect(run.statuses).toEqual({ first: "running", second: "pending" });
    expect(run.completes("first").statuses.second).toBe("running");
  });

  it("does not hold back others that are not", () => {
    const run = given([...many(6, { resource_class: "large" }), ...many(0), job("small")]);
    expect(run.statuses).toMatchObject({ s5: "pending", small: "running" });
  });
});

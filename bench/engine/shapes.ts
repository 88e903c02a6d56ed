import { type PlanStep, RULES, type RunHeader } from "../../workflows/engine/plan.ts";

/** When every run of this bench begins. */
export const BEGIN = Date.parse("2026-03-02T10:00:00Z");

export const HEADER: RunHeader = {
  id: "019571a0-0000-7000-8000-000000000001",
  workflow_id: "019571a0-0000-7000-8000-0000000000aa",
  workflow_name: "bench",
  project_id: "bench",
  workflow_version: 1,
  workflow_version_id: "ver_1",
  triggered_by: "manual",
  created_at: BEGIN,
  depth: 0,
  rules: RULES,
};

/** Definitions of `size` job steps. */
export const SHAPES: Record<string, (size: number) => PlanStep[]> = {
  chain: (size) => stepsOf(size, (i) => (i === 0 ? [] : [i - 1])),
  fan: (size) => stepsOf(size, (i) => (i === 0 ? [] : i < size - 1 ? [0] : range(1, size - 1))),
  random: (size) => {
    const random = randomFrom(size);
    const below = (n: number) => Math.floor(random() * n);
    // Up to three of the hundred steps before it: as wide and as deep as real ones, of every size.
    const parents = (i: number) => Array.from({ length: below(4) }, () => i - 1 - below(Math.min(i, 100)));
    return stepsOf(size, (i) => (i === 0 ? [] : [...new Set(parents(i))]));
  },
};

function stepsOf(size: number, parentsOf: (i: number) => number[]): PlanStep[] {
  return range(0, size).map((i) => ({
    id: `019571a0-0000-7000-8000-${String(i).padStart(12, "0")}`,
    step_ref: `step-${i}`,
    step_type: "job",
    job_id: "019571a0-0000-7000-8000-0000000000bb",
    depends_on: parentsOf(i).map((parent) => `step-${parent}`),
    on_failure: "fail_workflow",
    retry_backoff: "exponential",
    resource_class: "small",
  }));
}

const range = (from: number, to: number) => Array.from({ length: to - from }, (_, i) => from + i);

/** Mulberry32: the same numbers each time. */
function randomFrom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

import { planOf, type PlanStep, RULES, type RunHeader } from "../../workflows/engine/plan.ts";

/** When every run of these tests begins. */
export const BEGIN = Date.parse("2026-03-02T10:00:00Z");

const HEADER: RunHeader = {
  id: "019571a0-0000-7000-8000-000000000001",
  workflow_id: "019571a0-0000-7000-8000-0000000000aa",
  workflow_name: "release train",
  project_id: "demo",
  workflow_version: 1,
  workflow_version_id: "ver_1",
  triggered_by: "manual",
  created_at: BEGIN,
  depth: 0,
  rules: RULES,
};

export type Step = Omit<PlanStep, "id">;
type More = Partial<Step>;

const step = (step_ref: string, more: More): Step => ({
  step_ref,
  step_type: "job",
  depends_on: [],
  on_failure: "fail_workflow",
  retry_backoff: "exponential",
  resource_class: "small",
  ...more,
});

/** A job step; it depends on the steps named in `after`. */
export const job = (ref: string, after: string[] = [], more: More = {}): Step =>
  step(ref, { depends_on: after, job_id: "019571a0-0000-7000-8000-0000000000bb", ...more });
export const approval = (ref: string, after: string[] = [], more: More = {}): Step =>
  step(ref, { step_type: "approval", depends_on: after, approval_approvers: ["ada", "bob"], ...more });
export const wait = (ref: string, after: string[] = [], more: More = {}): Step =>
  step(ref, { step_type: "wait_for_event", depends_on: after, event_key: `paid:${ref}`, ...more });
export const sleep = (ref: string, after: string[] = [], more: More = {}): Step =>
  step(ref, { step_type: "sleep", depends_on: after, sleep_duration_secs: 60, ...more });
export const child = (ref: string, after: string[] = [], more: More = {}): Step =>
  step(ref, {
    step_type: "sub_workflow",
    depends_on: after,
    sub_workflow_id: "019571a0-0000-7000-8000-0000000000cc",
    ...more,
  });

export const planWith = (steps: Step[], header: Partial<RunHeader> = {}) =>
  planOf(
    { ...HEADER, ...header },
    steps.map((s, i) => ({ ...s, id: `019571a0-0000-7000-8000-${String(i).padStart(12, "0")}` })),
  );

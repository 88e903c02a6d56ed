import fc from "fast-check";
import type { Json } from "../../src/contract/json.ts";
import { documentOf } from "./documents.ts";
import { approval, BEGIN, child, job, planWith, sleep, type Step, wait } from "../engine/plans.ts";
import type { Plan } from "../../workflows/engine/plan.ts";

const maybe = <T>(value: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> => fc.option(value, { nil: undefined, freq: 2 });

export const rarely = <T>(value: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> =>
  fc.oneof({ arbitrary: fc.constant(undefined), weight: 5 }, { arbitrary: value, weight: 1 });

export const policy = fc.oneof(
  { arbitrary: fc.constant<Step["on_failure"]>("continue"), weight: 10 },
  { arbitrary: fc.constant<Step["on_failure"]>("skip_dependents"), weight: 10 },
  { arbitrary: fc.constant<Step["on_failure"]>("fail_workflow"), weight: 1 },
);

const status = fc.constantFrom("completed", "failed", "skipped", "running", "waiting");

/** What it asks of the step of this number. */
export const question = fc.record({
  of: fc.nat(),
  form: fc.constantFrom("is", "is not", "is one of", "always", "never", "unknown"),
  statuses: fc.array(status, { minLength: 1, maxLength: 3 }),
});

/** The same, and what it asks of a step's output, or of the run's payload. */
const anyQuestion = fc.oneof(
  question,
  fc.record({
    of: fc.nat(),
    form: fc.constantFrom("more than 6", "has output", "more than 6 or no output", "payload"),
    statuses: fc.constant<string[]>([]),
  }),
);

export function condition({ form, statuses }: { form: string; statuses: string[] }, step_ref: string): Json {
  const is = { type: "step_status", step_ref, status: statuses[0] as string };
  switch (form) {
    case "is":
      return is;
    case "is not":
      return { type: "not", condition: is };
    case "is one of":
      return { type: "any_of", conditions: [is, { type: "step_status_in", step_ref, statuses }] };
    case "always":
      return { type: "all_of", conditions: [] };
    case "never":
      return { type: "any_of", conditions: [] };
    case "more than 6":
      return { type: "gt", left: { ref: `outputs.${step_ref}.n` }, right: 6 };
    case "has output":
      return { type: "exists", operand: { ref: `outputs.${step_ref}.n` } };
    case "more than 6 or no output":
      return {
        type: "any_of",
        conditions: [
          { type: "not", condition: { type: "exists", operand: { ref: `outputs.${step_ref}.n` } } },
          { type: "gt", left: { ref: `outputs.${step_ref}.n` }, right: 6 },
        ],
      };
    case "payload":
      return { type: "gt", left: { ref: "payload.n" }, right: 6 };
    default:
      return { ...is, step_ref: "no such step" };
  }
}

const draft = fc.record({
  make: fc.constantFrom(job, job, job, approval, wait, sleep, child),
  parents: fc.array(fc.nat(), { maxLength: 3 }),
  /** Where in the definition it stands: not always behind what it depends on. */
  place: fc.nat(100),
  asks: rarely(anyQuestion),
  more: fc.record({
    on_skip: fc.constantFrom(undefined, undefined, "run" as const, "skip_dependents" as const),
    on_failure: policy,
    concurrency_key: maybe(fc.constantFrom("db", "web")),
    resource_class: fc.constantFrom<Step["resource_class"]>("small", "medium", "large", "large"),
    approval_approvers: fc.constantFrom<string[]>(
      [],
      ["ada"],
      ["ada", "bob"],
      ["ada", "bob", "cleo"],
      ["group:finance"],
      ["{{payload.boss}}"],
      ["ada", "{{payload.boss}}"],
    ),
    approval_options: rarely(fc.constant<string[]>(["ship", "hold"])),
    approvals_required: fc.constantFrom(undefined, undefined, 1, 2),
    approval_reject: fc.constantFrom<Step["approval_reject"]>(undefined, "first", "majority"),
    approval_exclude: fc.constantFrom<Step["approval_exclude"]>(
      undefined,
      undefined,
      ["created_by"],
      ["previous_approvers"],
      ["created_by", "previous_approvers"],
    ),
    approval_on_timeout: fc.constantFrom<Step["approval_on_timeout"]>(
      undefined,
      undefined,
      "fail",
      "approve",
      "reject",
      "skip",
      "escalate",
      "escalate",
    ),
    approval_escalation: maybe(
      fc.constantFrom<Step["approval_escalation"]>(
        [{ after_secs: 50, approvers: ["cleo"], notify: ["ops"] }],
        [
          { after_secs: 30, approvers: ["eve", "ada"] },
          { after_secs: 150, approvers: ["group:finance"] },
        ],
      ),
    ),
    approval_remind_every_secs: rarely(fc.constantFrom(60, 70)),
    approval_timeout_secs: fc.constantFrom(undefined, 0, 100),
    event_timeout_secs: fc.constantFrom(undefined, 0, 20),
    sleep_duration_secs: fc.integer({ min: 1, max: 300 }),
    event_emit_key: maybe(fc.constant("done")),
    retry_max_attempts: fc.constantFrom(undefined, 1, 2, 4),
    retry_backoff: fc.constantFrom<Step["retry_backoff"]>("exponential", "fixed"),
    retry_initial_delay_secs: fc.constantFrom(undefined, 0, 3, 3000),
  }),
});

type Draft = typeof draft extends fc.Arbitrary<infer D> ? D : never;

/** Of each resource class (docs/state-machine.md, When a step starts). */
const PLACES = { small: 50, medium: 20, large: 5 };

/** A step of a wide run depends on nothing but its place, so that all the places of a class get taken. */
const widely = ({ more, ...wide }: Draft, resource_class: Step["resource_class"]): Draft => ({
  ...wide,
  make: job,
  parents: [],
  more: { ...more, resource_class, concurrency_key: undefined },
});

const anyDrafts = fc.oneof(
  { arbitrary: fc.array(draft, { minLength: 1, maxLength: 60, size: "max" }), weight: 20 },
  { arbitrary: fc.array(draft, { minLength: 1, maxLength: 12, size: "max" }), weight: 20 },
  ...(["small", "medium", "large"] as const).map((resource_class) => ({
    arbitrary: fc
      .array(draft, { minLength: PLACES[resource_class] + 1, maxLength: 60, size: "max" })
      .map((wide) => wide.map((one) => widely(one, resource_class))),
    weight: 1,
  })),
);

/** A valid run of up to 60 steps, and the steps that it may have been seeded with. */
export const randomPlan: fc.Arbitrary<{ plan: Plan; completed: { step_ref: string }[] }> = fc
  .record({
    drafts: anyDrafts,
    max_parallel_steps: fc.constantFrom(undefined, undefined, 0, 1, 2, 5),
    created_by: fc.constantFrom(undefined, "ada", "bob"),
    timeout_secs: fc.constantFrom(undefined, undefined, undefined, 120, 4000),
    parents_secs: fc.constantFrom(undefined, undefined, undefined, 60, 6000),
    payload: fc.constantFrom(undefined, documentOf(5, false), documentOf(8, false), documentOf(9, true)),
    seeded: fc.array(fc.nat(), { maxLength: 3 }),
  })
  .map(({ drafts, seeded, parents_secs, ...header }) => {
    const refOf = (n: number, among: number) => `s${n % among}`;
    const steps = drafts.map(({ make, parents, more, asks, place }, i) => {
      const after = i === 0 ? [] : [...new Set(parents.map((n) => refOf(n, i)))];
      const asked = asks && condition(asks, refOf(asks.of, drafts.length));
      return { place, step: make(`s${i}`, after, { ...more, condition: asked }) };
    });
    steps.sort((a, b) => a.place - b.place);
    const kept = new Set(seeded.filter((n) => n % 3 === 0).map((n) => refOf(n, drafts.length)));
    const expires_no_later_than = parents_secs && BEGIN + parents_secs * 1000;
    return {
      plan: planWith(
        steps.map(({ step }) => step),
        { ...header, expires_no_later_than },
      ),
      completed: [...kept].map((step_ref) => ({ step_ref })),
    };
  });

import fc from "fast-check";
import type { Json } from "../../src/contract/json.ts";
import type { Plan } from "../../workflows/engine/plan.ts";
import { approval, child, job, planWith, type Step, sleep, wait } from "./plans.ts";

const maybe = <T>(value: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> => fc.option(value, { nil: undefined, freq: 2 });

const rarely = <T>(value: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> =>
  fc.oneof({ arbitrary: fc.constant(undefined), weight: 5 }, { arbitrary: value, weight: 1 });

/** `step` stands for any step of the plan. */
const condition = (ref: (n: number) => string): fc.Arbitrary<Json> => {
  const status = fc.constantFrom("completed", "failed", "skipped", "running", "waiting");
  return fc.oneof(
    fc
      .tuple(fc.nat(), status)
      .map(([n, s]) => ({ type: "not", condition: { type: "step_status", step_ref: ref(n), status: s } })),
    fc.tuple(fc.nat(), status).map(([n, s]) => ({ type: "step_status", step_ref: ref(n), status: s })),
    fc.constant<Json>({ type: "all_of", conditions: [] }),
    fc.constant<Json>({ type: "any_of", conditions: [] }),
    fc.constant<Json>({ type: "step_status", step_ref: "no such step", status: "completed" }),
  );
};

const draft = (steps: number) =>
  fc.record({
    make: fc.constantFrom(job, job, job, approval, wait, sleep, child),
    parents: fc.array(fc.nat(), { maxLength: 3 }),
    /** Where in the definition it stands: not always behind what it depends on. */
    place: fc.nat(100),
    more: fc.record({
      on_failure: fc.oneof(
        { arbitrary: fc.constant<Step["on_failure"]>("fail_workflow"), weight: 1 },
        { arbitrary: fc.constantFrom<Step["on_failure"]>("skip_dependents", "continue"), weight: 20 },
      ),
      condition: rarely(condition((n) => `s${n % steps}`)),
      concurrency_key: maybe(fc.constantFrom("db", "web")),
      resource_class: fc.constantFrom<Step["resource_class"]>("small", "medium", "large", "large"),
      approval_timeout_secs: fc.constantFrom(undefined, 0, 100),
      event_timeout_secs: fc.constantFrom(undefined, 20),
      sleep_duration_secs: fc.integer({ min: 1, max: 300 }),
      event_emit_key: maybe(fc.constant("done")),
      retry_max_attempts: fc.constantFrom(undefined, 1, 2, 4),
      retry_backoff: fc.constantFrom<Step["retry_backoff"]>("exponential", "fixed"),
    }),
  });

/** A valid run of up to 40 steps, and the steps that it may have been seeded with. */
export const randomPlan: fc.Arbitrary<{ plan: Plan; completed: { step_ref: string }[] }> = fc
  .integer({ min: 1, max: 40 })
  .chain((size) =>
    fc
      .record({
        drafts: fc.array(draft(size), { minLength: size, maxLength: size }),
        max_parallel_steps: fc.constantFrom(undefined, 0, 1, 2, 5),
        timeout_secs: fc.constantFrom(undefined, undefined, undefined, 120, 4000),
        seeded: fc.array(fc.nat(), { maxLength: 3 }),
      })
      .map(({ drafts, seeded, ...header }) => {
        const steps = drafts.map(({ make, parents, more, place }, i) => {
          const after = i === 0 ? [] : [...new Set(parents.map((n) => `s${n % i}`))];
          return { place, step: make(`s${i}`, after, more) };
        });
        steps.sort((a, b) => a.place - b.place);
        const completed = [...new Set(seeded.filter((n) => n % 3 === 0).map((n) => `s${n % size}`))].map(
          (step_ref) => ({ step_ref }),
        );
        return {
          plan: planWith(
            steps.map(({ step }) => step),
            header,
          ),
          completed,
        };
      }),
  );

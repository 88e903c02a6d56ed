import fc from "fast-check";
import type { GivenOutcome } from "../../src/contract/simulation/outcomes.ts";
import type { PlanStep } from "../../workflows/engine/plan.ts";

const maybe = <T>(value: fc.Arbitrary<T>) => fc.option(value, { nil: undefined });

const failure = fc.record(
  {
    class: fc.constantFrom("server" as const, "client" as const, "timeout" as const, "rate_limited" as const),
    error: fc.constantFrom("boom", "no"),
    retry_after_secs: fc.constantFrom(0, 40),
    attempts: fc.constantFrom(1, 2, 3, 7),
  },
  { requiredKeys: [] },
);

const drawn = fc.record({
  fails: maybe(failure),
  ends: fc.constantFrom("well", "well", "badly", "never"),
  n: fc.nat(12),
  isLarge: fc.boolean(),
  ms: fc.nat(160_000),
  saysNothing: fc.nat(5).map((n) => n === 0),
});
export type Drawn = typeof drawn extends fc.Arbitrary<infer D> ? D : never;
export const anyDrawn = fc.array(drawn, { minLength: 60, maxLength: 60 });

/** An outcome of the step that a request may give. No two steps take the same time, so that all has an order. */
export function outcomeFor(
  step: PlanStep,
  i: number,
  { fails, ends, n, isLarge, ms, saysNothing }: Drawn,
): GivenOutcome {
  const duration_ms = ms + (i + 1) / 1000;
  if (step.step_type === "sleep") return {};
  const value = { n, ...(isLarge && { filling: "x".repeat(1100) }) };
  const timeout = step.step_type === "approval" ? (step.approval_timeout_secs ?? 0) : (step.event_timeout_secs ?? 3600);
  switch (step.step_type) {
    case "job": {
      const succeeds = fails === undefined || fails.attempts !== undefined;
      return { duration_ms, failure: fails, ...(succeeds && !saysNothing && { output: value }) };
    }
    case "sub_workflow":
      return ends === "badly" ? { duration_ms, failure: { error: fails?.error } } : { duration_ms, output: value };
    case "approval":
      if (ends === "never" && timeout > 0 && step.approval_on_timeout !== "escalate") return { times_out: true };
      return { duration_ms, ...(ends === "badly" && { decision: "reject", reason: "not now" }) };
    case "wait_for_event":
      if (ends === "never" && timeout > 0) return { times_out: true };
      return ends === "badly" ? { duration_ms, failure: { error: "taken" } } : { duration_ms, event: value };
  }
}

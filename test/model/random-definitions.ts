import fc from "fast-check";
import { condition, policy, question, rarely } from "./random-plans.ts";
import type { StepDraft } from "../stack/scenario.ts";
import { VERBS } from "../../workflows/engine/command.ts";

/** How the attempts of a step's endpoint are answered, one after the other; then 200. */
const answers = fc.array(fc.constantFrom(200, 200, 422, 500), { maxLength: 3 });

/** Of gates that are decided by one. Each gate has these approvers. */
export const OPTIONS = ["ship", "hold"];
export const APPROVERS = ["ada", "bob"];

const draft = fc.record({
  type: fc.constantFrom("job", "job", "job", "job", "approval", "approval", "wait_for_event", "sleep", "sub_workflow"),
  parents: fc.array(fc.nat(), { maxLength: 3 }),
  asks: rarely(question),
  on_failure: policy,
  on_skip: rarely(fc.constant("skip_dependents")),
  concurrency_key: rarely(fc.constant("db")),
  /** In seconds; 0 is as long as it takes. */
  timeout: fc.constantFrom(0, 0, 0, 1),
  attempts: fc.constantFrom(1, 1, 1, 2),
  answers,
  options: fc.constantFrom(undefined, OPTIONS),
  approvals_required: fc.constantFrom(1, 2),
});

const command = fc.record({
  verb: fc.constantFrom(...VERBS, "cancel"),
  pick: fc.nat(),
  /** Sent twice at once, under one idempotency key. */
  twice: fc.nat(4).map((n) => n === 0),
});

/** A definition for the API and what is done to a run of it. */
export interface Case {
  steps: StepDraft[];
  fields: object;
  commands: { verb: (typeof VERBS)[number] | "cancel"; pick: number; twice: boolean }[];
}

export const randomCase = (jobId: string, subWorkflowId: string): fc.Arbitrary<Case> =>
  fc
    .record({
      drafts: fc.array(draft, { minLength: 1, maxLength: 12, size: "max" }),
      max_parallel_steps: fc.constantFrom(0, 0, 0, 1, 3),
      timeout_secs: fc.constantFrom(0, 0, 0, 0, 0, 0, 2),
      commands: fc.array(command, { maxLength: 8, size: "max" }),
    })
    .map(({ drafts, commands, ...fields }) => ({
      fields,
      commands: commands.filter(({ verb, pick }) => verb !== "cancel" || pick % 3 === 0),
      steps: drafts.map(
        ({ type, parents, asks, on_failure, on_skip, concurrency_key, timeout, attempts, answers, ...gate }, i) => ({
          step_ref: `s${i}`,
          step_type: type,
          depends_on: i === 0 ? [] : [...new Set(parents.map((n) => `s${n % i}`))],
          on_failure,
          on_skip,
          concurrency_key,
          condition: asks && asks.form !== "unknown" ? condition(asks, `s${asks.of % drafts.length}`) : undefined,
          ...(type === "job" && { job_id: jobId, retry_max_attempts: attempts, retry_backoff: "fixed" }),
          ...(type === "sub_workflow" && { sub_workflow_id: subWorkflowId }),
          ...((type === "job" || type === "sub_workflow") && { payload: { step: `s${i}`, answers } }),
          ...(type === "approval" && {
            ...{ approval_approvers: APPROVERS, approval_timeout_secs: timeout },
            ...{ approval_options: gate.options, approvals_required: gate.approvals_required },
          }),
          ...(type === "wait_for_event" && { event_key: `{{case}}/s${i}`, event_timeout_secs: timeout }),
          ...(type === "sleep" && { sleep_duration_secs: 1 }),
        }),
      ),
    }));

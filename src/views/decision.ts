import type { Decision } from "../contract/inspection.ts";
import type { Json } from "../contract/json.ts";
import type { Derived } from "../../workflows/engine/reasons/reason.ts";
import { wordsOf } from "../../workflows/engine/reasons/words.ts";
import { rfc3339 } from "../../workflows/engine/time.ts";

const DECISIONS: Record<Derived["reason"], Pick<Decision, "decision_type" | "decision">> = {
  dependencies: { decision_type: "scheduler", decision: "wait" },
  not_taken_up: { decision_type: "scheduler", decision: "wait" },
  paused: { decision_type: "scheduler", decision: "wait" },
  max_parallel_steps: { decision_type: "scheduler", decision: "wait" },
  concurrency_key: { decision_type: "concurrency", decision: "wait" },
  resource_class: { decision_type: "resource", decision: "wait" },
  values: { decision_type: "condition", decision: "wait" },
  approval: { decision_type: "scheduler", decision: "wait" },
  event: { decision_type: "scheduler", decision: "wait" },
  sleep: { decision_type: "scheduler", decision: "wait" },
  retry: { decision_type: "scheduler", decision: "wait" },
  condition: { decision_type: "condition", decision: "skip" },
  dependency: { decision_type: "scheduler", decision: "skip" },
  disabled: { decision_type: "scheduler", decision: "skip" },
  skip: { decision_type: "scheduler", decision: "skip" },
  "force-complete": { decision_type: "scheduler", decision: "complete" },
  run_paused: { decision_type: "scheduler", decision: "wait" },
  run_over: { decision_type: "scheduler", decision: "cancel" },
};

/** The reasons of decisions of this type. */
export const reasonsOf = (type: Decision["decision_type"]): string[] =>
  Object.entries(DECISIONS).flatMap(([reason, { decision_type }]) => (decision_type === type ? reason : []));

/** A decision as it is put together from rows. */
export interface FoundDecision {
  id: string;
  at: number;
  step_run_id?: string;
  step_ref: string;
  /** Of the step, where it has one and was skipped by it. */
  condition?: Json;
  reason: Derived;
}

export const presentDecision = (runId: string, found: FoundDecision): Decision => ({
  id: found.id,
  workflow_run_id: runId,
  step_run_id: found.step_run_id,
  step_ref: found.step_ref,
  ...DECISIONS[found.reason.reason],
  explanation: wordsOf(found.reason),
  details: detailsOf(found),
  created_at: rfc3339(found.at),
});

const TIMES: readonly string[] = ["until", "at"];
const MOST_LISTED = 100;

function detailsOf({ reason, condition }: FoundDecision): Decision["details"] {
  const members = Object.entries(reason).map(([name, value]): [string, Json] => {
    if (TIMES.includes(name) && typeof value === "number") return [name, rfc3339(value)];
    return [name, (Array.isArray(value) ? value.slice(0, MOST_LISTED) : value) as Json];
  });
  return Object.fromEntries([...members, ...(condition === undefined ? [] : [["condition", condition] as const])]);
}

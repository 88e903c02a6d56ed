import { assumedOutcome, type End, type GateChange, type Outcome, type Voter } from "./outcome.ts";
import type { Payloads } from "./payloads.ts";
import { classOfError } from "../rules/failure-text.ts";
import type { AttemptRow } from "../../workflows/engine/mirror/rows.ts";
import type { PlanStep } from "../../workflows/engine/plan.ts";
import type { Run, SeedStep } from "../../workflows/engine/run.ts";
import type { ApprovalState, StepState, Vote } from "../../workflows/engine/state.ts";

/**
 * How the steps of a closed run ended, by step_ref. Nothing is said of steps that never began, and of what the run's rules find
 * out by themselves. `attempts`: of all its steps, those that another one has followed, oldest first.
 */
export function recordedOutcomes(run: Run, attempts: AttemptRow[], payloads: Payloads): Map<string, Outcome> {
  const found = new Map<string, Outcome>();
  for (const [i, step] of run.plan.steps.entries()) {
    const state = run.state.steps[i] as StepState;
    // Only of its last life.
    const earlier = attempts.filter(({ job_run_id }) => job_run_id !== undefined && job_run_id === state.job_run_id);
    const outcome = passedOver(run, i) ?? outcomeOf(step, state, earlier);
    const isOwn = isOfRules(run, i, payloads);
    if (outcome && !isOwn) found.set(step.step_ref, { ...outcome, isRecorded: true });
  }
  return found;
}

/** How long the last attempt of each took, in milliseconds, unless it was a limit that ended it. */
export const recordedDurations = (recorded: Map<string, Outcome>): Map<string, number> =>
  new Map(
    [...recorded].flatMap(([ref, { ends }]) => {
      const last = ends.at(-1) ?? ends[0];
      const isLimit = last.isGuess || last.is === "left alone" || (last.is === "failed" && last.class === "timeout");
      return isLimit ? [] : [[ref, last.after_ms] as const];
    }),
  );

/** The steps that the run had from the one that it is a retry of. */
export function keptSteps({ plan, state }: Run): SeedStep[] {
  const { retry_of_run_id, created_at } = plan.run;
  if (retry_of_run_id === undefined) return [];
  return plan.steps.flatMap(({ step_ref }, i) => {
    const { status, generation, started_at, finished_at, output, cause, approval } = state.steps[i] as StepState;
    const isKept =
      status === "completed" && generation === 0 && started_at === created_at && finished_at === created_at;
    return isKept ? [{ step_ref, output, cause, approval }] : [];
  });
}

/** Someone skipped or force-completed it. Who does not matter: they were allowed to. */
function passedOver({ plan, state }: Run, i: number): Outcome | undefined {
  const step = plan.steps[i] as PlanStep;
  const { status, cause, error, output, approval, started_at, finished_at = 0 } = state.steps[i] as StepState;
  if (cause !== "operator" || approval?.status === "timed_out") return undefined;
  const is = status === "skipped" ? ("skipped" as const) : ("force-completed" as const);
  const passed = { is, actor: "operator", reason: error, output };
  if (started_at !== undefined) return { ends: [{ after_ms: finished_at - started_at, ...passed }] };
  return { ...assumedOutcome(step), passed: { ...passed, at_ms: finished_at - plan.run.created_at } };
}

/** It failed because of what it was to be given, or wait for: it would do so again, or would not. */
function isOfRules(run: Run, i: number, payloads: Payloads): boolean {
  const { status, error, started_at } = run.state.steps[i] as StepState;
  if (status !== "failed" || started_at === undefined) return false;
  if (error?.endsWith("(payload_schema)")) return true;
  const type = run.plan.steps[i]?.step_type;
  const made =
    type === "wait_for_event"
      ? payloads.keyOf(run, i, "event_key")
      : type === "approval"
        ? payloads.gateOf(run, i)
        : payloads.payloadOf(run, i);
  return "problem" in made && made.problem === error;
}

function outcomeOf(step: PlanStep, state: StepState, earlier: AttemptRow[]): Outcome | undefined {
  const { status, started_at, attempt_started_at, finished_at = 0 } = state;
  if (started_at === undefined || step.step_type === "sleep") return undefined;
  const after_ms = Math.max(0, finished_at - (attempt_started_at ?? started_at));
  const failures = earlier.map((attempt, n) => failureOf(attempt, earlier[n + 1]?.started_at ?? attempt_started_at));
  const [assumed] = assumedOutcome(step, after_ms).ends;
  const last: End = status === "canceled" ? { ...assumed, isGuess: true } : endOf(step, state, after_ms);
  const [first = last, ...others] = [...failures, last];
  const changes = state.approval && changesOf(state.approval);
  return { ends: [first, ...others], changes, isAssumed: status === "canceled" ? true : undefined };
}

function changesOf({ requested_at, reassignments = [], extensions = [] }: ApprovalState): GateChange[] {
  const reassigned = reassignments.map(
    ({ at, actor, approvers, reason }) =>
      ({ verb: "reassign", after_ms: at - requested_at, actor, approvers, reason }) as const,
  );
  const extended = extensions.map(
    ({ at, actor, until, reason }) =>
      ({ verb: "extend", after_ms: at - requested_at, actor, until_ms: until - requested_at, reason }) as const,
  );
  return [...reassigned, ...extended];
}

/** `next`: when the next attempt began. */
function failureOf({ error = "", started_at = 0, finished_at = started_at }: AttemptRow, next = finished_at): End {
  return {
    after_ms: finished_at - started_at,
    is: "failed",
    class: classOfError(error) ?? "server",
    error,
    retry_after_ms: next - finished_at,
  };
}

function endOf(step: PlanStep, { status, error, output, approval }: StepState, after_ms: number): End {
  // Its timeout came first, and decided it.
  if (approval?.status === "timed_out") return { after_ms, is: "left alone" };
  if (status === "completed")
    return step.step_type === "approval"
      ? { after_ms, is: "approved", voters: votersOf(approval, "approve"), option: approval?.option, output }
      : { after_ms, is: "completed", output };
  if (step.step_type === "job") return { after_ms, is: "failed", class: classOfError(error) ?? "client", error };
  if (approval?.status === "rejected")
    return { after_ms, is: "rejected", voters: votersOf(approval, "reject"), reason: approval.error };
  if (step.step_type === "approval" || error === "event trigger timed out") return { after_ms, is: "left alone" };
  return { after_ms, is: "failed", error };
}

/** Whoever voted so, by the groups that they did it by. Of a gate from before there were votes: who decided it. */
function votersOf(approval: ApprovalState | undefined, decision: Vote["decision"]): Voter[] {
  const { votes = [], approved_by } = approval ?? {};
  const voters = votes
    .filter((vote) => vote.decision === decision && (decision === "reject" || vote.option === approval?.option))
    .map(({ actor, as }) => (as?.startsWith("group:") ? { actor, groups: [as.slice("group:".length)] } : { actor }));
  return voters.length > 0 || approved_by === undefined ? voters : [{ actor: approved_by }];
}

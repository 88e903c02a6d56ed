import type { PlanStep } from "../../workflows/engine/plan.ts";
import type { Command } from "../../workflows/engine/events.ts";
import { endStep, skipWhatCannotRun, succeed } from "./reference-endings.ts";
import {
  dependenciesOf,
  indexOf,
  isOver,
  type ReferenceRun,
  type ReferenceStep,
  timeLimit,
  type Verdict,
} from "./reference-run.ts";

const refused = (code: string): Verdict => ({ status: "refused", code });

/** Contract §2.5 to §2.12 and §5: refuses a command, or applies it. */
export function obey(run: ReferenceRun, command: Command & { at: number }): Verdict {
  const { verb, step_ref, actor, reason, result, at } = command;
  if (verb === "pause" || verb === "resume") {
    if (verb === "pause" ? isOver(run) : run.status !== "paused") return refused("invalid_state");
    run.status = verb === "pause" ? "paused" : "running";
    return { status: "applied" };
  }
  const i = indexOf(run, step_ref);
  const step = run.steps[i];
  const definition = run.definitions[i];
  if (!step || !definition) return refused("not_found");
  const code = problemOf(verb, run, step, definition, actor);
  if (code) return refused(code);

  const { approval, trigger } = step;
  const received = () =>
    Object.assign(trigger ?? {}, { status: "received", received_at: at, sent_by: actor, response_payload: result });
  switch (verb) {
    case "skip":
    case "force-complete": {
      if (approval) Object.assign(approval, { status: "overridden", approved_by: actor, error: reason });
      const how = verb === "skip" ? { status: "skipped", error: reason } : { status: "completed", output: result };
      endStep(run, i, { ...how, cause: "operator" } as Parameters<typeof endStep>[2], at);
      break;
    }
    case "approve":
      Object.assign(approval as object, { status: "approved", approved_by: actor, approved_at: at });
      received();
      succeed(run, i, result, at);
      break;
    case "reject": {
      Object.assign(approval as object, { status: "rejected", approved_by: actor, error: reason });
      const error = `approval rejected by ${actor}${reason ? `: ${reason}` : ""}`;
      endStep(run, i, { status: "failed", error }, at);
      break;
    }
    case "send-event":
      received();
      succeed(run, i, result, at);
      break;
    case "cancel-event":
      Object.assign(trigger as object, { status: "canceled", error: "canceled by user" });
      endStep(run, i, { status: "failed", error: "event trigger canceled by user" }, at);
      break;
    case "retry":
    case "replay-subtree":
      return { status: "applied", reset_steps: runAgain(run, i, verb, at) };
  }
  return { status: "applied" };
}

function problemOf(
  verb: Exclude<Command["verb"], "pause" | "resume">,
  run: ReferenceRun,
  step: ReferenceStep,
  { step_type, approval_approvers = [] }: PlanStep,
  actor: string,
): string | undefined {
  switch (verb) {
    case "skip":
    case "force-complete":
      return step.status === "pending" || step.status === "waiting" ? undefined : "invalid_state";
    case "approve":
    case "reject":
      if (step.approval?.status !== "pending") return "invalid_state";
      return approval_approvers.length === 0 || approval_approvers.includes(actor) ? undefined : "approver_not_allowed";
    case "send-event":
    case "cancel-event":
      return step_type === "wait_for_event" && step.trigger?.status === "waiting" ? undefined : "conflict";
    case "retry":
      return isOver(step) ? undefined : "invalid_state";
    case "replay-subtree":
      return isOver(step) || run.status === "paused" ? undefined : "invalid_state";
  }
}

/** "Running again". Answers how many steps are reset from the target on. */
function runAgain(run: ReferenceRun, target: number, verb: "retry" | "replay-subtree", at: number): number {
  const didNotHappen = ({ status }: ReferenceStep) => status === "skipped" || status === "canceled";
  const after = stepsAfter(run, target);
  const subtree = run.steps.map(
    (step, i) => i === target || (after.has(i) && (verb === "replay-subtree" || didNotHappen(step))),
  );
  const reopens = isOver(run);
  const reset = run.steps.map((step, i) => subtree[i] || (reopens && step.status === "canceled"));
  if (reopens) Object.assign(run, { error: undefined, finished_at: undefined, expires_at: timeLimit(run.header, at) });
  run.status = "running";
  run.steps = run.steps.map((step, i): ReferenceStep => {
    if (!reset[i]) return step;
    const counts = i === target || step.started_at !== undefined;
    return {
      status: i === target || dependenciesOf(run, i).length === 0 ? "pending" : "waiting",
      attempt: step.attempt + (counts ? 1 : 0),
      life: step.life + 1,
      failures: [],
    };
  });
  skipWhatCannotRun(run, at);
  return subtree.filter(Boolean).length;
}

function stepsAfter(run: ReferenceRun, target: number): Set<number> {
  const after = new Set<number>();
  for (let size = -1; size !== after.size; ) {
    size = after.size;
    for (const i of run.steps.keys())
      if (dependenciesOf(run, i).some((d) => d === target || after.has(d))) after.add(i);
  }
  return after;
}

import { contentOf } from "./documents.ts";
import { notePart, passesGate } from "./reference-gates.ts";
import { changeGate, changeProblem } from "./gates/changes.ts";
import { asGroup, decisionOf, problemOfDecision } from "./reference-votes.ts";
import { endStep, skipWhatCannotRun, succeed } from "./reference-endings.ts";
import {
  dependenciesOf,
  indexOf,
  isOver,
  letsGoOn,
  type ReferenceRun,
  type ReferenceStep,
  stepsAfter,
  timeLimit,
  type Verdict,
} from "./reference-run.ts";
import type { Command } from "../../workflows/engine/events.ts";
import type { PlanStep } from "../../workflows/engine/plan.ts";
import type { ApprovalState } from "../../workflows/engine/state.ts";

const refused = (code: string): Verdict => ({ status: "refused", code });

/** A command; of a child that runs again by whose it is: a step, and its life when it named the child. */
export type Order = Command & { at: number; child?: { step: number; life: number } };

/** docs/state-machine.md, "Skip, force-complete, approve, reject" to "Running again": refuses a command, or applies it. */
export function obey(run: ReferenceRun, command: Order): Verdict {
  const { verb, step_ref, actor, reason, result, at } = command;
  if (verb === "pause" || verb === "resume") {
    if (verb === "pause" ? isOver(run) : run.status !== "paused") return refused("invalid_state");
    run.status = verb === "pause" ? "paused" : "running";
    return { status: "applied" };
  }
  if (verb === "reopen") return reopen(run, command);
  if (verb === "adopt") return adopt(run, command);
  const i = indexOf(run, step_ref);
  const step = run.steps[i];
  const definition = run.definitions[i];
  if (!step || !definition) return refused("not_found");
  const code = problemOf(run, i, command);
  if (code) return refused(code);
  const reset = verb === "retry" || verb === "replay-subtree" ? toRunAgain(run, i, verb === "retry") : undefined;
  if (!canBeGiven(run, command, reset)) return refused("validation_error");
  if (passesGate(run, command, new Set(reset?.keys()))) return refused("forbidden");
  if (verb === "force-complete" && definition.step_type === "approval" && !couldPutOut(definition, result))
    return refused("validation_error");
  notePart(run, command, new Set(reset?.keys()));
  edit(run, command);

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
    case "choose":
    case "reject": {
      const gate = approval as ApprovalState;
      const option = verb === "choose" ? command.option : undefined;
      const vote = { actor, decision: verb === "reject" ? verb : ("approve" as const), at, comment: command.comment };
      gate.votes = [...(gate.votes ?? []), { ...vote, as: asGroup(run, i, command), option }];
      const decision = decisionOf(run, i);
      if (decision === "approved") {
        Object.assign(gate, { status: "approved", approved_by: actor, approved_at: at, option });
        const output = option === undefined ? result : { text: JSON.stringify({ option, by: actor }) };
        Object.assign(trigger ?? {}, { status: "received", received_at: at, sent_by: actor, response_payload: output });
        succeed(run, i, output, at);
      }
      if (decision === "rejected") {
        Object.assign(gate, { status: "rejected", approved_by: actor, error: reason });
        const error = `approval rejected by ${actor}${reason ? `: ${reason}` : ""}`;
        endStep(run, i, { status: "failed", error }, at);
      }
      break;
    }
    case "withdraw":
      (approval as ApprovalState).votes = approval?.votes?.filter((vote) => vote.actor !== actor);
      break;
    case "reassign":
    case "extend":
      changeGate(run, i, command);
      break;
    case "comment":
      (approval as ApprovalState).comments = [
        ...(approval?.comments ?? []),
        { actor, at, comment: command.comment as string },
      ];
      break;
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
      return runAgain(run, reset as Map<number, Again>, command, i);
  }
  return { status: "applied" };
}

function problemOf(run: ReferenceRun, i: number, command: Order): string | undefined {
  const { verb, ...sender } = command;
  const step = run.steps[i] as ReferenceStep;
  const hasVoted = step.approval?.votes?.some(({ actor }) => actor === sender.actor);
  switch (verb) {
    case "skip":
    case "force-complete":
      return step.status === "pending" || step.status === "waiting" ? undefined : "invalid_state";
    case "approve":
    case "choose":
    case "reject":
      return problemOfDecision(run, i, verb, sender);
    case "withdraw":
      if (step.approval?.status !== "pending") return "invalid_state";
      return hasVoted ? undefined : "conflict";
    case "reassign":
    case "extend":
      if (step.approval?.status !== "pending") return "invalid_state";
      return changeProblem(run, i, command);
    case "comment":
      if (step.approval?.status !== "pending") return "invalid_state";
      if (!sender.comment) return "validation_error";
      return (step.approval.comments ?? []).length < 50 ? undefined : "conflict";
    case "send-event":
    case "cancel-event":
      return run.definitions[i]?.step_type === "wait_for_event" && step.trigger?.status === "waiting"
        ? undefined
        : "conflict";
    case "retry":
      return isOver(step) ? undefined : "invalid_state";
    case "replay-subtree":
      return isOver(step) || run.status === "paused" ? undefined : "invalid_state";
  }
}

/** docs/approvals.md, "Going around a gate": by force, too, a gate puts out one of its options. */
function couldPutOut({ approval_options }: PlanStep, result: Order["result"]): boolean {
  if (!approval_options) return true;
  const said = contentOf(result) as { option?: string; by?: string } | undefined;
  return typeof said?.by === "string" && approval_options.includes(said.option ?? "");
}

/** `counted` for the answer; `reopened`: the child that failed goes on. */
interface Again {
  counted: boolean;
  reopened: boolean;
}

/** "Running again": the target, what is behind it (of a retry, what did not happen there), and what the end canceled. */
function toRunAgain(run: ReferenceRun, target: number, isRetry: boolean): Map<number, Again> {
  const didNotHappen = ({ status }: ReferenceStep) => status === "skipped" || status === "canceled";
  const after = stepsAfter(run, target);
  const all = new Map<number, Again>();
  for (const [i, step] of run.steps.entries()) {
    const counted = i === target || (after.has(i) && (!isRetry || didNotHappen(step)));
    // A replay is of all that comes after: what its children did before is not gone on with.
    const reopened = isRetry || !counted;
    if (counted || (isOver(run) && step.status === "canceled")) all.set(i, { counted, reopened });
  }
  return all;
}

/** What failed in a sub-workflow is run again, or it only tells its end. */
function reopen(run: ReferenceRun, command: Order): Verdict {
  const bad = command.only_tell ? [] : [...run.steps.keys()].filter((i) => !letsGoOn(run, i));
  if (!command.only_tell && (!isOver(run) || bad.length === 0)) return refused("conflict");
  const all = new Map(bad.map((i) => [i, { counted: true, reopened: true }]));
  if (!canBeGiven(run, command, all)) return refused("validation_error");
  if (passesGate(run, command, new Set(bad))) return refused("forbidden");
  notePart(run, command);
  edit(run, command);
  if (command.only_tell) return { status: "applied" };
  return runAgain(run, all, command);
}

/** A child runs again, and with it the step that it belongs to. */
function adopt(run: ReferenceRun, command: Order): Verdict {
  const { step: i = -1, life } = command.child ?? {};
  const step = run.steps[i];
  if (!step?.child?.begun || step.child.life !== life || !isOver(step)) return refused("conflict");
  return runAgain(run, toRunAgain(run, i, true), command, i);
}

/** A payload is for a step that runs again, or has not begun. */
function canBeGiven(run: ReferenceRun, { step_payloads = {} }: Order, reset?: Map<number, Again>): boolean {
  return Object.keys(step_payloads).every((ref) => {
    const i = indexOf(run, ref);
    const step = run.steps[i];
    return step && (reset?.has(i) || (!isOver(step) && step.started_at === undefined));
  });
}

function edit(run: ReferenceRun, { payload, step_payloads }: Order): void {
  if (payload) run.payload = payload;
  if (step_payloads) run.step_payloads = { ...run.step_payloads, ...step_payloads };
}

function runAgain(
  run: ReferenceRun,
  reset: Map<number, Again>,
  { at, verb, payload, step_payloads = {} }: Order,
  target = -1,
): Verdict {
  if (isOver(run))
    Object.assign(run, { error: undefined, finished_at: undefined, expires_at: timeLimit(run.header, at) });
  run.status = "running";
  run.steps = run.steps.map((step, i): ReferenceStep => {
    const again = reset.get(i);
    if (!again) return step;
    const happened = step.started_at !== undefined || step.cause === "operator" || step.cause === "condition";
    const edited = payload !== undefined || (run.definitions[i] as PlanStep).step_ref in step_payloads;
    const ended = step.status === "failed" || step.status === "canceled";
    const goesOn = step.child?.begun && again.reopened && ended && !edited;
    return {
      status: i === target || dependenciesOf(run, i).length === 0 ? "pending" : "waiting",
      attempt: step.attempt + (i === target || happened ? 1 : 0),
      life: step.life + 1,
      lookedUp: new Set<string>(),
      failures: [],
      child: goesOn || (verb === "adopt" && i === target) ? step.child : undefined,
    };
  });
  skipWhatCannotRun(run, at);
  const reset_steps = [...reset.values()].filter(({ counted }) => counted).length;
  return { status: "applied", reset_steps };
}

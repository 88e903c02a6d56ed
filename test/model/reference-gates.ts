import { dependenciesOf, indexOf, isOver, letsGoOn, type ReferenceRun, stepsAfter } from "./reference-run.ts";
import { isExcluded, isNamed } from "./reference-votes.ts";
import type { Command } from "../../workflows/engine/events.ts";
import type { PlanStep } from "../../workflows/engine/plan.ts";

/** Whether a command passes a gate that is not its sender's to pass. `reset`: the steps that it runs again. */
export function passesGate(run: ReferenceRun, command: Command, reset: ReadonlySet<number> = new Set()): boolean {
  const held = holdingBack(run, indexOf(run, command.step_ref));
  const isSkip = command.verb === "skip" || command.verb === "force-complete";
  const after = { ...run, givers: new Set(run.givers), passers: [...run.passers] };
  notePart(after, command, reset, held);
  return run.definitions.some(({ step_type, approvals_required = 1, approval_exclude }, gate) => {
    if (step_type !== "approval") return false;
    const isAlone = isNamed(run, gate, command) && approvals_required === 1;
    const isLetPass = isPassed(run, gate, command, reset);
    const isOther = isSwayed(run, gate, command);
    const asOf = isSkip && !held.has(gate) ? run : after;
    if (isLetPass && isExcluded(asOf, gate, command.actor, approval_exclude)) return true;
    if (isOther && isExcluded(run, gate, command.actor, approval_exclude)) return true;
    const isRight = command.may_override || isAlone;
    return !isRight && (isLetPass || isOther || isTakenBack(run, gate, command));
  });
}

const isTakenBack = (run: ReferenceRun, gate: number, { verb, step_ref }: Command): boolean =>
  (verb === "retry" || verb === "replay-subtree") && gate === indexOf(run, step_ref);

/** docs/approvals.md, "Four eyes": who gives a payload has started the run, who skips past a gate has approved it, and who approved it still has. */
export function notePart(
  run: ReferenceRun,
  command: Command,
  reset: ReadonlySet<number> = new Set(),
  only?: ReadonlySet<number>,
): void {
  const { verb, step_ref, actor, payload, step_payloads } = command;
  const i = indexOf(run, step_ref);
  if (payload || step_payloads) run.givers.add(actor);
  for (const [gate, { step_type }] of run.definitions.entries()) {
    if (step_type !== "approval") continue;
    const isNoted = (verb === "skip" || verb === "force-complete") && !letsGoOn(run, gate);
    if (isNoted && (gate === i || stepsAfter(run, gate).has(i)) && (only?.has(gate) ?? true))
      run.passers.push({ gate, actor });
    const { status, votes = [] } = run.steps[gate]?.approval ?? {};
    const isKept = (j: number) => !reset.has(j) && !isToRun(run, j);
    if (!reset.has(gate) || status !== "approved" || ![...swayed(run, [gate])].some(isKept)) continue;
    for (const vote of votes) if (vote.decision === "approve") run.passers.push({ gate, actor: vote.actor });
  }
}

/** The step, what it waits for, what that waits for, and so on. */
function holdingBack(run: ReferenceRun, step: number): Set<number> {
  const found = new Set([step]);
  for (const i of found) for (const d of i < 0 ? [] : dependenciesOf(run, i)) if (!letsGoOn(run, d)) found.add(d);
  return found;
}

/** It lets go on what nobody decided, or again what was decided on once. */
function isPassed(run: ReferenceRun, gate: number, command: Command, reset: ReadonlySet<number>): boolean {
  const { verb, step_ref } = command;
  const target = indexOf(run, step_ref);
  const behind = stepsAfter(run, gate);
  const stands = letsGoOn(run, gate) && !reset.has(gate);
  const { condition, approval_on_timeout, on_failure } = run.definitions[gate] as PlanStep;
  if ((verb === "skip" || verb === "force-complete") && !stands && (gate === target || behind.has(target))) return true;
  if (verb === "retry" || verb === "replay-subtree") {
    const isLenient = approval_on_timeout === "approve" || approval_on_timeout === "skip" || on_failure === "continue";
    if (gate === target && (isLenient || condition !== undefined)) return true;
    const again = [...reset].filter((i) => run.steps[i]?.status === "completed");
    if (verb === "replay-subtree") again.push(target);
    if (stands && again.some((i) => behind.has(i))) return true;
  }
  return stands && given(run, command, reset).some((i) => behind.has(i));
}

/** It may ask nobody, or others. */
function isSwayed(run: ReferenceRun, gate: number, { verb, step_ref, payload, step_payloads = {} }: Command): boolean {
  const { condition, approval_approvers = [] } = run.definitions[gate] as PlanStep;
  const reads = (root: string) => approval_approvers.some((name) => name.includes(`{{${root}.`));
  const mayTurnOut = condition !== undefined || reads("outputs");
  const by = Object.keys(step_payloads).map((ref) => indexOf(run, ref));
  if (verb === "skip" || verb === "force-complete") by.push(indexOf(run, step_ref));
  return (mayTurnOut && swayed(run, by).has(gate)) || (payload !== undefined && (mayTurnOut || reads("payload")));
}

/** The steps that get something else than what was decided on. */
const given = (run: ReferenceRun, { payload, step_payloads = {} }: Command, reset: ReadonlySet<number>): number[] => [
  ...Object.keys(step_payloads).map((ref) => indexOf(run, ref)),
  ...(payload ? [...run.steps.keys()].filter((i) => reset.has(i) || isToRun(run, i)) : []),
];

const isToRun = (run: ReferenceRun, i: number): boolean =>
  !isOver(run.steps[i] as { status: "failed" }) && run.steps[i]?.started_at === undefined;

/** What comes after these steps or looks at how they ended, and what comes after that or looks at it, and so on. */
function swayed(run: ReferenceRun, from: number[]): Set<number> {
  const found = new Set<number>();
  for (let size = -1; size !== found.size; ) {
    size = found.size;
    for (const [i, { condition }] of run.definitions.entries()) {
      const looksAt = (j: number) =>
        JSON.stringify(condition ?? null).includes(JSON.stringify((run.definitions[j] as PlanStep).step_ref));
      if ([...from, ...found].some((j) => j >= 0 && (dependenciesOf(run, i).includes(j) || looksAt(j)))) found.add(i);
    }
  }
  return found;
}

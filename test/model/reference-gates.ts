import { dependenciesOf, indexOf, isOver, letsGoOn, type ReferenceRun, stepsAfter } from "./reference-run.ts";
import { barred, isExcluded } from "./reference-votes.ts";
import type { Command } from "../../workflows/engine/events.ts";
import type { PlanStep } from "../../workflows/engine/plan.ts";

/** Whether a command passes a gate that is not its sender's to pass. `reset`: the steps that it runs again. */
export function passesGate(run: ReferenceRun, command: Command, reset: ReadonlySet<number> = new Set()): boolean {
  return run.definitions.some(({ step_type, approvals_required = 1, approval_exclude }, gate) => {
    if (step_type !== "approval") return false;
    const isAlone = barred(run, gate, command) === undefined && approvals_required === 1;
    const isBarred = isExcluded(run, undefined, command.actor, approval_exclude);
    return (isBarred || !(command.may_override || isAlone)) && isPassed(run, gate, command, reset);
  });
}

function isPassed(run: ReferenceRun, gate: number, command: Command, reset: ReadonlySet<number>): boolean {
  const { verb, step_ref, payload, step_payloads = {} } = command;
  const target = indexOf(run, step_ref);
  const behind = stepsAfter(run, gate);
  const stands = letsGoOn(run, gate) && !reset.has(gate);
  const { condition, approval_approvers = [] } = run.definitions[gate] as PlanStep;
  const reads = (root: string) => approval_approvers.some((name) => name.includes(`{{${root}.`));
  const mayTurnOut = (when: number[]) => (condition !== undefined || reads("outputs")) && swayed(run, when).has(gate);

  // Undecided, and what comes after it would go on.
  if (verb === "skip" || verb === "force-complete")
    if ((!stands && (gate === target || behind.has(target))) || mayTurnOut([target])) return true;
  // A decision is taken back, or is to count a second time.
  if (verb === "retry" || verb === "replay-subtree") {
    if (gate === target) return true;
    const again = [...reset].filter((i) => run.steps[i]?.status === "completed");
    if (verb === "replay-subtree") again.push(target);
    if (stands && again.some((i) => behind.has(i))) return true;
  }
  // Something else was decided on.
  const isToRun = (i: number) =>
    !isOver(run.steps[i] as { status: "failed" }) && run.steps[i]?.started_at === undefined;
  const given = Object.keys(step_payloads).map((ref) => indexOf(run, ref));
  const all = payload ? [...run.steps.keys()].filter((i) => reset.has(i) || isToRun(i)) : [];
  if (stands && [...given, ...all].some((i) => behind.has(i))) return true;
  return (
    mayTurnOut(given) || (payload !== undefined && (condition !== undefined || reads("payload") || reads("outputs")))
  );
}

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

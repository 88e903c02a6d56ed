import { isFull, laneLimit } from "../limits.ts";
import type { Run } from "../run.ts";
import type { StepState } from "../state.ts";
import type { End, Reason, Wait } from "./reason.ts";
import { pauser, waitOf } from "./waits.ts";

/** Rows and definition tell these to whoever reads the run. */
const NEVER_TOLD: ReadonlySet<Wait["reason"]> = new Set(["dependencies", "values"]);

/**
 * Notes for the mirror why steps wait, where that has changed since it was noted last. To be called before what has changed is
 * handed to the mirror: what came and went in between, as in a quick run, is not told at all.
 */
export function tellWaits(run: Run, steps: Iterable<number> = run.dirty.steps): void {
  const groups = new Map<string, { at: number; reason: Wait; steps: number[] }>();
  const consider = (i: number) => {
    // Of a join of thousands, what it still waits for is not listed after each of them.
    const isMissing = (run.schedule.depsCompleted[i] ?? 0) < (run.plan.dependencies[i]?.length ?? 0);
    const isUnstarted = run.state.steps[i]?.started_at === undefined;
    const reason = isMissing && isUnstarted ? undefined : waitOf(run, i);
    if (!reason || isNeverTold(reason)) {
      run.told.steps.delete(i);
      return;
    }
    const step = run.state.steps[i] as StepState;
    const key = JSON.stringify(reason);
    const told = `${step.generation} ${key}`;
    const before = run.told.steps.get(i);
    if (before === told) return;
    run.told.steps.set(i, told);
    const isChanged = before?.startsWith(`${step.generation} {"reason":"${reason.reason}"`);
    const at = isChanged ? run.state.revision / 1000 : sinceWhen(run, step, reason);
    const group = groups.get(`${at} ${key}`);
    if (group) group.steps.push(i);
    else groups.set(`${at} ${key}`, { at, reason, steps: [i] });
  };
  for (const i of steps) consider(i);
  // Steps that wait for a place are no news when others take one: their lane is, when something else holds it back.
  for (const [lane, ready] of run.schedule.ready) {
    const held = laneKey(run, ready[0] as number);
    // With a free place they start as soon as the run goes on, and are held back again by the same: no news for thousands.
    if (held === undefined || run.told.lanes.get(lane) === held) continue;
    run.told.lanes.set(lane, held);
    for (const i of ready) consider(i);
  }
  for (const { at, reason, steps } of groups.values()) write(run, at, steps, reason);
}

/** What the mirror knows of a run that is carried on: all that it waits for. */
export function assumeTold(run: Run): void {
  tellWaits(run, run.state.steps.keys());
  run.dirty.decisions = [];
}

/** How a step has ended. */
export const tellEnd = (run: Run, i: number, reason: End, at: number): void => write(run, at, [i], reason);

function write(run: Run, at: number, steps: number[], reason: Reason): void {
  run.dirty.decisions.push({ at, steps: rangesOf(steps), reason });
}

const isNeverTold = (wait: Wait): boolean =>
  NEVER_TOLD.has(wait.reason) || (wait.reason === "event" && wait.event_key === undefined);

/** What holds back all steps of the lane. */
function laneKey(run: Run, i: number): string | undefined {
  const limit = isFull(run) ? "full" : laneLimit(run, i);
  return run.state.status === "paused" ? `paused by ${pauser(run)} ${limit}` : limit;
}

/** Limits hold a step back since what happened last. */
function sinceWhen({ state }: Run, { started_at, last_failure }: StepState, { reason }: Wait): number {
  const begun = reason === "retry" ? last_failure?.at : started_at;
  const isOpen = reason === "retry" || reason === "approval" || reason === "event" || reason === "sleep";
  return (isOpen ? begun : undefined) ?? state.revision / 1000;
}

function rangesOf(steps: number[]): string {
  const ranges: string[] = [];
  let from: number | undefined;
  for (const [n, i] of steps.sort((a, b) => a - b).entries()) {
    from ??= i;
    if (steps[n + 1] === i + 1) continue;
    ranges.push(`[${from},${i + 1})`);
    from = undefined;
  }
  return `{${ranges.join(",")}}`;
}

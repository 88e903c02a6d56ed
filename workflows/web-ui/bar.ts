import type { Run } from "../engine/run.ts";
import { ofStep } from "../engine/steps/of-step.ts";
import { STEP_KINDS } from "../engine/steps/index.ts";
import { wordsOf } from "../engine/reasons/words.ts";
import { awaited, isAwaited } from "./open-steps.ts";
import { clipped, SUMMARY_LENGTH } from "./text.ts";

/** A timer that shows in the timeline that a step waits. It has no effect. */
export interface Bar {
  kind: "bar";
  key: string;
}

/** A wait without an end, which has no timer of its own. Each costs two events, so runs of older rules, whose histories lack them, have none. */
export function barOf(run: Run, i: number): Bar[] {
  const of = ofStep(run, i);
  if (!of || (run.plan.run.rules ?? 0) < 2) return [];
  const { status, started_at, deadline, generation } = of.step;
  if (status !== "waiting" || started_at === undefined || deadline !== undefined) return [];
  const wait = STEP_KINDS[of.definition.step_type].waits(of);
  // It says who decides, or the event's key, once those are known.
  const isKnown = wait && isAwaited(wait) && (wait.reason !== "event" || wait.event_key !== undefined);
  return isKnown ? [{ kind: "bar", key: `bar/${generation}` }] : [];
}

/** The name of a step's timer: what it is for. */
export function timerSummary(run: Run, i: number): string {
  const of = ofStep(run, i);
  const wait = of && STEP_KINDS[of.definition.step_type].waits(of);
  if (!of || !wait) return "";
  const { step_ref, event_key } = of.definition;
  // A key that is being rendered is told as it is written.
  const told = wait.reason === "event" ? { ...wait, event_key: wait.event_key ?? event_key } : wait;
  return clipped(`${step_ref}: ${isAwaited(told) ? awaited(told) : wordsOf(told)}`, SUMMARY_LENGTH);
}

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
  const { status, started_at, deadline, trigger, generation } = run.state.steps[i] ?? {};
  if (status !== "waiting" || started_at === undefined || deadline !== undefined) return [];
  if ((run.plan.run.rules ?? 0) < 2) return [];
  // A wait for an event says its key, which is being rendered.
  const isKnown = run.plan.steps[i]?.step_type !== "wait_for_event" || trigger?.event_key !== undefined;
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

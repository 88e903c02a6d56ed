import { advance } from "./advance.ts";
import type { RunEvent } from "./events.ts";
import { evolve } from "./evolve.ts";
import { type Plan, planOf, type PlanStep, type RunHeader } from "./plan.ts";
import { readsOf } from "./references/reads.ts";
import { restoredRun, type Run } from "./run.ts";
import { startsAtOnce } from "./references/start-rules.ts";
import type { RunState, StepState } from "./state.ts";
import { hasBegun } from "./transitions.ts";

/** A run of more steps takes longer to be handed over as a whole than it is played ahead. */
const WHOLE_STEPS = 300;
/** About what is played ahead of a chain: a command waits for it to be handed over, too. */
const MOST_STEPS = 100;

/** A run, or so much of it that it can be played on for a while as the whole would be. */
export interface Excerpt {
  run: RunHeader;
  steps: PlanStep[];
  state: RunState;
  /** The index that each step has in the run. All other indexes are those in the excerpt. */
  numbers: number[];
  /** Steps whose attempt is to be made at once. */
  begin: number[];
  /** Once one of these has ended, only the whole run can say what follows. */
  edge: number[];
}

/** What is needed to make the attempts of `begin`, and as much of what comes after them as the rules can do without the rest. */
export function excerptOf(run: Run, begin: number[], wholeSteps = WHOLE_STEPS, mostSteps = MOST_STEPS): Excerpt {
  const { plan, state } = run;
  if (plan.steps.length <= wholeSteps) return { ...shown(run, [...plan.steps.keys()], plan.steps), begin, edge: [] };
  const inner = isAllThatGoesOn(run, begin) ? withWhatFollows(plan, state, begin, mostSteps) : new Set(begin);
  const readsOfStep = (i: number) => ((plan.run.rules ?? 0) >= 1 ? readsOf(run, i) : []);
  const withNeeds = (steps: number[]) => steps.flatMap((i) => [i, ...(plan.dependencies[i] ?? []), ...readsOfStep(i)]);
  // What may yet start is in the order of the definition. What has begun comes first, as in histories from before more was shown.
  const others = withNeeds([...inner]).sort((a, b) => a - b);
  const numbers = [...new Set([...withNeeds(begin), ...others])];
  const steps = numbers.map((i) => {
    const step = plan.steps[i] as PlanStep;
    if (inner.has(i)) return step;
    // One that is only named, and has not begun, waits for itself here: when it may start, only the whole run can say.
    return { ...step, depends_on: hasBegun(state.steps[i] as StepState) ? [] : [step.step_ref] };
  });
  const places = new Map(numbers.map((number, place) => [number, place]));
  const placesOf = (chosen: number[]) => chosen.map((number) => places.get(number) as number);
  const edge = [...inner].filter((i) => plan.dependents[i]?.some((d) => !inner.has(d)));
  return { ...shown(run, numbers, steps), begin: placesOf(begin), edge: placesOf(edge) };
}

/** No place is taken, and none waited for, by a step that an excerpt would not show. */
const isAllThatGoesOn = ({ schedule }: Run, begin: number[]): boolean =>
  schedule.ready.size === 0 && schedule.running === begin.length;

/** A step follows once all that it needs is here, or has begun at least. What has to be known before a step starts may be of any step of the run. */
function withWhatFollows(plan: Plan, state: RunState, begin: number[], mostSteps: number): Set<number> {
  const inner = new Set(begin);
  const isKnown = (i: number) => inner.has(i) || hasBegun(state.steps[i] as StepState);
  // A set hands out what is added to it meanwhile.
  for (const i of inner) {
    for (const d of plan.dependents[i] ?? []) {
      if (inner.size >= mostSteps) return inner;
      if (startsAtOnce(plan, d) && plan.dependencies[d]?.every(isKnown)) inner.add(d);
    }
  }
  return inner;
}

/** An excerpt that is played on, by the rules of the whole. */
export class PlayedExcerpt {
  readonly run: Run;
  readonly #edge: Set<number>;
  #mayAdvance = true;

  constructor({ run, steps, numbers, state, edge }: Excerpt) {
    this.run = restoredRun(planOf(run, steps, numbers), state);
    this.#edge = new Set(edge);
  }

  happens(event: Extract<RunEvent, { step: number }>): void {
    evolve(this.run, event);
    if (this.#edge.has(event.step)) this.#mayAdvance = false;
    if (this.#mayAdvance) advance(this.run, event.at);
  }

  /** Nothing more is to follow from what happens. */
  stop(): void {
    this.#mayAdvance = false;
  }
}

const shown = ({ plan, state }: Run, numbers: number[], steps: PlanStep[]) => ({
  ...{ run: plan.run, steps, numbers },
  state: { ...state, steps: numbers.map((i) => state.steps[i] as StepState), commands: [] },
});

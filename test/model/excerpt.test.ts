import { describe, expect, it } from "vitest";
import fc from "fast-check";
import { BEGIN, job, planWith, type Step } from "../engine/plans.ts";
import { plain } from "./mirror-model.ts";
import { condition, policy, question, rarely } from "./random-plans.ts";
import { attemptOf } from "../../workflows/attempt-input.ts";
import { advance } from "../../workflows/engine/advance.ts";
import type { RunEvent } from "../../workflows/engine/events.ts";
import { evolve } from "../../workflows/engine/evolve.ts";
import { excerptOf, PlayedExcerpt } from "../../workflows/engine/excerpt.ts";
import { initialRun, type Run } from "../../workflows/engine/run.ts";
import { isRunOver } from "../../workflows/engine/transitions.ts";
import { workOf } from "../../workflows/engine/steps/work.ts";

const MOST_STEPS = 20;

/** Jobs that hold each other back: few places, few keys, conditions on any other step. */
const randomJobs = fc.record({
  drafts: fc.array(
    fc.record({
      parents: fc.array(fc.nat(), { maxLength: 2 }),
      place: fc.nat(100),
      asks: rarely(question),
      names: rarely(fc.nat()),
      on_failure: policy,
      concurrency_key: rarely(fc.constantFrom("db", "web")),
      resource_class: fc.constantFrom<Step["resource_class"]>("small", "large"),
    }),
    { minLength: 2, maxLength: MOST_STEPS, size: "max" },
  ),
  max_parallel_steps: fc.constantFrom(undefined, 1, 2, 3),
});

/** Which of the steps that go on ends next, and how. */
const how = fc.constantFrom("well", "well", "well", "badly", "to be tried again", "to be tried again");
const ends = fc.array(fc.record({ which: fc.nat(), how }), {
  maxLength: 2 * MOST_STEPS,
  size: "max",
});

const dispatching = (run: Run): number[] =>
  [...run.plan.steps.keys()].filter((i) => workOf(run, i).some(({ kind }) => kind === "dispatch"));

type End = Extract<RunEvent, { attempt: number }>;

function endOf(run: Run, step: number, how: string, at: number): End {
  const { generation = 0, attempt = 1 } = run.state.steps[step] ?? {};
  const news = { step, generation, attempt, at };
  if (how === "well") return { ...news, type: "attempt_completed", output: { text: `${step}` } };
  const job_max_attempts = how === "badly" ? 1 : 3;
  return { ...news, type: "attempt_failed", class: "server", error: "no", job_max_attempts, random: 0 };
}

describe("an excerpt of a run", () => {
  it("makes the attempts that the whole makes, and no other", () => {
    let followed = 0;
    const begun = fc.integer({ min: 0, max: 8 });
    const most = fc.integer({ min: 1, max: 10 });
    fc.assert(
      fc.property(randomJobs, ends, begun, most, fc.nat(), ({ drafts, ...header }, all, first, mostSteps, awaited) => {
        const before: string[][] = [];
        const steps = drafts.map(({ parents, place, asks, names, ...more }, i) => {
          const after = i === 0 ? [] : [...new Set(parents.map((n) => `s${n % i}`))];
          const asked = asks && condition(asks, `s${asks.of % drafts.length}`);
          // A step before this one, directly or not.
          before.push([...new Set(after.flatMap((ref) => [ref, ...(before[Number(ref.slice(1))] ?? [])]))]);
          const named = names === undefined ? undefined : before[i]?.[names % Math.max(1, before[i].length)];
          const payload = named ? { text: `"{{outputs.${named}}}"` } : undefined;
          return { place, step: job(`s${i}`, after, { ...more, condition: asked, payload }) };
        });
        steps.sort((a, b) => a.place - b.place);
        const whole = initialRun(
          planWith(
            steps.map(({ step }) => step),
            header,
          ),
        );
        const happens = (event: RunEvent) => {
          evolve(whole, event);
          advance(whole, event.at);
        };
        advance(whole, BEGIN);
        for (const [n, { which, how }] of all.slice(0, first).entries()) {
          const going = dispatching(whole);
          if (going.length > 0) happens(endOf(whole, going[which % going.length] as number, how, BEGIN + n));
          // Next attempts are due for a place, or only will be.
          const step = whole.state.steps.findIndex(({ deadline }) => deadline !== undefined);
          const { generation = 0, deadline = 0 } = whole.state.steps[step] ?? {};
          if (step >= 0 && which % 2) happens({ type: "deadline_passed", step, generation, deadline, at: BEGIN + n });
        }
        // Some are awaited elsewhere.
        const begin = dispatching(whole).filter((i) => awaited % 2 === 0 || (awaited >> i) % 2 === 0);
        const excerpt = excerptOf(whole, begin, mostSteps, mostSteps);
        const ahead = new PlayedExcerpt(plain(excerpt));
        const inWhole = (step: number) => excerpt.numbers[step] as number;
        for (const [n, { which, how }] of all.slice(first).entries()) {
          const going = dispatching(ahead.run).filter((i) => n > 0 || excerpt.begin.includes(i));
          const step = going[which % going.length];
          if (step === undefined) return;
          const event = endOf(ahead.run, step, how, BEGIN + first + n);
          ahead.happens(event);
          happens({ ...event, step: inWhole(step) });
          if (isRunOver(whole.state.status)) return;
          for (const i of dispatching(ahead.run)) {
            if (!going.includes(i)) followed++;
            expect(dispatching(whole)).toContain(inWhole(i));
            expect(plain({ ...attemptOf(ahead.run, i), step: inWhole(i) })).toEqual(
              plain(attemptOf(whole, inWhole(i))),
            );
          }
        }
      }),
      { numRuns: 3000, seed: 7 },
    );
    expect(followed).toBeGreaterThan(300);
  });

  it("of a long chain holds the steps that come next, and those alone", () => {
    const steps = Array.from({ length: 1000 }, (_, i) => job(`s${i}`, i > 0 ? [`s${i - 1}`] : []));
    const run = initialRun(planWith(steps));
    advance(run, BEGIN);
    const { numbers, begin, edge } = excerptOf(run, [0]);
    expect(numbers).toEqual([...Array(100).keys()]);
    expect([begin, edge]).toEqual([[0], [99]]);
  });
});

import assert from "node:assert/strict";
import { test } from "vitest";
import fc from "fast-check";
import { documentOf, JOB, playPlainly } from "./plain-run.ts";
import { anyDrawn, outcomeFor } from "./random-outcomes.ts";
import { assertEnd } from "../model/end.ts";
import { randomPlan } from "../model/random-plans.ts";
import type { JsonDoc } from "../../src/contract/json.ts";
import { Documents } from "../../src/simulation/documents.ts";
import { givenOutcomes } from "../../src/simulation/given-outcome.ts";
import { Simulation } from "../../src/simulation/simulation.ts";
import { World } from "../../src/simulation/world.ts";
import { type Plan, planOf } from "../../workflows/engine/plan.ts";
import { initialRun, type Run } from "../../workflows/engine/run.ts";

const JOBS = [{ ...JOB, id: "019571a0-0000-7000-8000-0000000000bb", version_id: "ver_000000000000", enabled: true }];

/** What everybody sees of a run. `textOf`: what is in a document, wherever it is. */
const seen = ({ state, plan }: Run, textOf: (document: JsonDoc) => string) => ({
  status: state.status,
  error: state.error,
  finished_at: state.finished_at,
  steps: state.steps.map(({ status, cause, error, attempt, started_at, finished_at, output }, i) => ({
    step_ref: plan.steps[i]?.step_ref,
    ...{ status, cause, error, attempt, started_at, finished_at, output: output && textOf(output) },
  })),
});

test("any run with any outcomes ends in a simulation as it does when it is played in the plainest way", () => {
  let retried = 0;
  fc.assert(
    fc.property(randomPlan, anyDrawn, ({ plan, completed }, drawn) => {
      const { run, steps } = withPayload(plan);
      const outcomes = Object.fromEntries(
        steps.map((step, i) => [step.step_ref, outcomeFor(step, i, drawn[i] as (typeof drawn)[0])]),
      );
      const played = playPlainly(initialRun(planOf(run, steps), completed), outcomes);
      fc.pre(played !== undefined);

      const documents = new Documents(run.payload && "ref" in run.payload ? [[run.payload.ref, run.payload.ref]] : []);
      const world = new World(documents, JOBS, givenOutcomes(outcomes, steps, documents));
      const simulation = new Simulation(initialRun(planOf(run, steps), completed), world);
      for (const _ of simulation.play());
      const simulated = seen(simulation.run, (document) => documents.textOf(document));
      assert.deepEqual(
        simulated,
        seen(played, (document) => ("text" in document ? document.text : document.ref)),
      );
      if (simulation.run.state.status === "running") return;
      assertEnd(steps, simulation.run.state, simulation.run.state.steps);

      const { begun, ended } = simulation.trace;
      assert.deepEqual(new Set(begun.map(({ step }) => step)), new Set(steps.keys()), "every step is on the path");
      assert.equal(begun.length, steps.length);
      const ends = ended.map((i) => simulation.run.state.steps[i]?.finished_at ?? 0);
      assert.deepEqual(
        ends,
        [...ends].sort((a, b) => a - b),
        "in the order in which they end",
      );
      for (const { step, attempts } of begun) {
        const { attempt, status } = simulation.run.state.steps[step] ?? {};
        // One that was to begin at the moment in which the run ended was not made.
        if (attempts.length > 0 && status !== "canceled") assert.equal(attempts.length, attempt);
        if (attempts.length > 1) retried++;
      }
    }),
    { seed: 7, numRuns: 5_000, maxSkipsPerRun: 1_000, endOnFailure: true },
  );
  assert(retried > 1_000, `only ${retried} steps were tried again`);
});

/** Its large payload refers to itself. */
function withPayload({ run, steps }: Plan): Pick<Plan, "run" | "steps"> {
  const isLarge = run.payload && "ref" in run.payload;
  return { steps, run: isLarge ? { ...run, payload: { ref: documentOf({ n: 9 }).text ?? "" } } : run };
}

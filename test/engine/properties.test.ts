import assert from "node:assert/strict";
import fc from "fast-check";
import { describe, it } from "vitest";
import { decide } from "../../workflows/engine/decide.ts";
import { evolve } from "../../workflows/engine/evolve.ts";
import { initialRun, type Run, restoredRun } from "../../workflows/engine/state.ts";
import { plain } from "./mirror-model.ts";
import { randomPlan } from "./random-plans.ts";
import { moves } from "./random-moves.ts";
import { RandomRun, type Told } from "./random-run.ts";

// Shrinking a failure is cut short, so that it is reported before the test's own timeout.
const RUNS = { numRuns: 400, interruptAfterTimeLimit: 30_000 };

/** Tells a run all that another was told, and holds every decision of the one against the other's. */
function retell(run: Run, told: Told[]): Run {
  let twin = run;
  for (const event of told) {
    switch (event.type) {
      case "rest":
        assert.equal(decide(twin), undefined);
        break;
      case "reopened":
        twin = restoredRun(twin.plan, plain(event.state));
        break;
      case "step_started":
      case "step_skipped":
      case "run_finished": {
        const { at, ...decision } = event;
        assert.deepEqual(decide(twin), decision);
        evolve(twin, event);
        break;
      }
      default:
        evolve(twin, event);
    }
  }
  return twin;
}

// What is asserted after every single event is in watched.ts, what in the end is in RandomRun.drain.
describe("any run, told anything at any moment,", () => {
  it("keeps every rule after every event, hangs nowhere, ends, and is mirrored as it is", () => {
    fc.assert(
      fc.property(randomPlan, moves, ({ plan, completed }, all) => {
        const random = new RandomRun(plan, completed);
        for (const move of all) random.move(move);
        random.drain();
      }),
      RUNS,
    );
  });

  it("is the same as any other that is told the same, however often one of them was carried over", () => {
    fc.assert(
      fc.property(randomPlan, moves, ({ plan, completed }, all) => {
        const random = new RandomRun(plan, completed);
        for (const move of all) random.move(move);
        random.drain();
        assert.deepEqual(plain(retell(initialRun(plan, completed), random.told).state), plain(random.run.state));
      }),
      RUNS,
    );
  });
});

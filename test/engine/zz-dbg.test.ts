import fc from "fast-check";
import { it } from "vitest";
import { randomPlan } from "/work/main/test/engine/random-plans.ts";
import { moves, RandomRun } from "/work/main/test/engine/random-run.ts";
it("dbg", () => {
  let last: RandomRun | undefined;
  try {
    fc.assert(fc.property(randomPlan, moves, ({ plan, completed }, all) => {
      last = new RandomRun(plan, completed);
      for (const move of all) last.move(move);
      last.drain();
    }), { numRuns: Number(process.env.N ?? 400), seed: process.env.SEED ? Number(process.env.SEED) : undefined });
  } catch (e) {
    console.log(last!.plan.steps.map((s, i) => `${i} ${s.step_ref} ${s.step_type} <- ${s.depends_on} ${s.on_failure}`).join("\n"));
    console.log(last!.told.filter((t) => t.type !== "rest").map((t) => JSON.stringify(t).slice(0, 250)).join("\n"));
    throw new Error(String((e as Error).cause ?? e).slice(0, 1500));
  }
}, 600000);

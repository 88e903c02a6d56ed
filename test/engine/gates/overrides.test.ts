import { describe, expect, test } from "vitest";
import { given } from "../given.ts";
import { approval, job, type Step, wait } from "../plans.ts";
import { gatesLeftOut } from "../../../workflows/engine/gates/left-out.ts";
import { planOf, type PlanStep } from "../../../workflows/engine/plan.ts";
import { timesAsLong } from "../../stack/cost.ts";

const failing = { type: "step_status", step_ref: "scan", status: "failed" };

/** Its gate asks only where the scan fails. */
const conditional = [
  wait("source"),
  wait("scan", ["source"]),
  approval("gate", ["source"], { condition: failing, depends_on: ["scan"] }),
];

describe("overrides", () => {
  const stepsOf = (steps: Step[]) => steps.map((step, i): PlanStep => ({ ...step, id: `${i}` }));
  const off = (...refs: string[]) => refs.map((step_ref) => ({ step_ref, enabled: false }));
  const leftOut = (steps: Step[], ...refs: string[]) =>
    gatesLeftOut(stepsOf(steps), off(...refs)).map(({ step_ref }) => step_ref);
  const chain = [job("build"), approval("gate", ["build"]), job("test", ["gate"]), job("deploy", ["test"])];

  test("pass the gate that they leave out, and the one that they cut off from what it holds back", () => {
    expect(leftOut(chain, "gate")).toEqual(["gate"]);
    expect(leftOut(chain, "test")).toEqual(["gate"]);
    expect(leftOut(chain, "gate", "test", "deploy")).toEqual(["gate"]);
  });

  test("pass none where all that it holds back still waits for it, or is left out", () => {
    expect(leftOut(chain, "build")).toEqual([]);
    expect(leftOut(chain, "deploy")).toEqual([]);
    expect(leftOut(chain, "test", "deploy")).toEqual([]);
    expect(leftOut([...chain, job("also", ["gate", "test"])], "test", "deploy")).toEqual([]);
    expect(gatesLeftOut(stepsOf(chain), [{ step_ref: "gate", enabled: true }])).toEqual([]);
  });

  test("pass a gate whose condition looks at what they leave out, or at what comes after that", () => {
    expect(leftOut([...conditional, job("deploy", ["gate"])], "scan")).toEqual(["gate"]);
    expect(leftOut([...conditional, job("deploy", ["gate"])], "source")).toEqual(["gate"]);
    const apart = [job("scan"), approval("gate", [], { condition: failing })];
    expect(leftOut(apart, "scan")).toEqual(["gate"]);
  });

  test("of many gates and steps are judged in a moment", async () => {
    const many = Array.from({ length: 1_000 }, (_, i) => {
      const after = Array.from({ length: Math.min(i, 150) }, (_, n) => `s${i - 1 - n}`);
      return (i % 2 ? approval : job)(`s${i}`, after);
    });
    expect(leftOut(many, "s998")).toEqual([]);
    const planned = () => planOf(given([job("x")]).plan.run, stepsOf(many));
    expect(await timesAsLong(() => leftOut(many, "s998"), planned)).toBeLessThan(60);
  });
});

import { afterEach, expect, test } from "vitest";
import { BEGIN, job, planWith } from "../engine/plans.ts";
import { type Commands, payload, sandboxed, type Sandbox } from "../stack/sandbox.ts";
import type { RunHeader } from "../../workflows/engine/plan.ts";

let sandbox: Sandbox | undefined;
afterEach(() => sandbox?.destroy());

/** A chain of slow steps, none of which is played ahead. */
async function slowChain(refs: string[], header: Partial<RunHeader> = {}) {
  const steps = refs.map((ref, i) => job(ref, refs.slice(Math.max(i - 1, 0), i)));
  const plan = planWith(steps, header);
  const slow_jobs = steps.flatMap(({ job_id }) => job_id ?? []);
  sandbox = await sandboxed({ run: plan.run, steps: plan.steps, slow_jobs }, BEGIN);
  const { activate, nextTask } = sandbox;
  let last: Commands = [];
  return {
    ...sandbox,
    async begins() {
      last = await (sandbox as Sandbox).begins();
    },
    /** The call that goes on is answered then. The types of the activities that follow. */
    async answeredAt(at: number) {
      const seq = last.find(({ scheduleActivity }) => scheduleActivity)?.scheduleActivity?.seq as number;
      nextTask();
      last = await activate(at, { resolveActivity: { seq, result: { completed: { result: payload({}) } } } });
      return last.flatMap(({ scheduleActivity, scheduleLocalActivity }) => {
        const { activityType } = scheduleActivity ?? scheduleLocalActivity ?? {};
        return activityType ?? [];
      });
    },
  };
}

const WRITTEN = ["dispatchJob", "mirror"];
const IN_PASSING = ["dispatchJob"];

test("what merely goes on is written for certain half a minute after it was first told in passing, however old the run was then", async () => {
  const run = await slowChain(["a", "b", "c", "d"]);
  await run.begins();
  expect(await run.answeredAt(BEGIN + 6_000)).toEqual(IN_PASSING);
  expect(await run.answeredAt(BEGIN + 29_000)).toEqual(IN_PASSING);
  expect(await run.answeredAt(BEGIN + 31_000)).toEqual(WRITTEN);
});

test("and by the rules before 5 with the first answer, and 5 s after the change before", async () => {
  const run = await slowChain(["a", "b", "c", "d"], { rules: 4 });
  await run.begins();
  expect(await run.answeredAt(BEGIN + 400)).toEqual(WRITTEN);
});

test("a worker that takes a run over tells once more what the one before may have died with", async () => {
  const run = await slowChain(["a", "b", "c", "d"]);
  const stepsTold = async () => (await run.told()).map(({ steps }) => steps.map(({ step_ref }) => step_ref));
  await run.replaying(async () => {
    await run.begins();
    await run.answeredAt(BEGIN + 400);
  });
  await run.told();
  await run.answeredAt(BEGIN + 800);
  expect(await stepsTold()).toEqual([["a", "b", "c", "d"]]);
  await run.answeredAt(BEGIN + 1_200);
  expect(await stepsTold()).toEqual([["c", "d"]]);
});

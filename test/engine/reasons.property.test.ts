import fc from "fast-check";
import assert from "node:assert/strict";
import { test } from "vitest";
import type { MirrorModel } from "../model/mirror-model.ts";
import { Play } from "../model/play.ts";
import { moves } from "../model/random-moves.ts";
import { randomPlan } from "../model/random-plans.ts";
import type { Wait } from "../../workflows/engine/reasons/reason.ts";
import { waitOf } from "../../workflows/engine/reasons/waits.ts";
import { wordsOf } from "../../workflows/engine/reasons/words.ts";
import type { Run } from "../../workflows/engine/run.ts";

const CAPACITY: Record<string, number> = { small: 50, medium: 20, large: 5 };
const OVER = ["completed", "failed", "skipped", "canceled"];

/** Told from the state alone: whether a step may follow this one. */
function lets({ plan, state }: Run, i: number): boolean {
  const [{ status, cause } = { status: "pending", cause: undefined }, definition] = [state.steps[i], plan.steps[i]];
  if (status === "failed") return definition?.on_failure === "continue";
  if (status !== "skipped") return status === "completed";
  return cause === "operator" || (cause === "condition" && definition?.on_skip !== "skip_dependents");
}

/** Whether it is so, told from the state alone. */
function isTrue(run: Run, i: number, wait: Wait): boolean {
  const { plan, state } = run;
  const [step, definition] = [state.steps[i], plan.steps[i]];
  const working = plan.steps.filter(
    (_, j) => state.steps[j]?.status === "running" && !state.steps[j]?.between_attempts,
  );
  switch (wait.reason) {
    case "dependencies": {
      const missing = (definition?.depends_on ?? []).filter((ref) => !lets(run, plan.index.get(ref) ?? -1));
      assert.deepEqual(wait.waits_for, missing);
      return missing.length > 0 && wait.done + missing.length === wait.required;
    }
    case "paused":
      return state.status === "paused" && wait.by !== undefined;
    case "max_parallel_steps":
      return wait.limit === plan.run.max_parallel_steps && working.length >= wait.limit;
    case "concurrency_key":
      return working.some(({ concurrency_key }) => concurrency_key === wait.concurrency_key);
    case "resource_class":
      return (
        working.filter(({ resource_class }) => resource_class === wait.resource_class).length >=
        (CAPACITY[wait.resource_class] ?? 0)
      );
    case "values":
      // Of a gate, those that it shows.
      return step?.asking === true || (definition?.step_type === "approval" && step?.approval === undefined);
    case "approval":
      return step?.approval?.status === "pending" && step.approval.expires_at === wait.until;
    case "event":
      return step?.trigger?.status === "waiting" && step.trigger.event_key === wait.event_key;
    case "sleep":
      return definition?.step_type === "sleep" && step?.deadline === wait.until;
    case "retry":
      return step?.deadline === wait.at && wait.attempt > 1 && wait.attempt <= (wait.max_attempts ?? 0);
  }
}

/** A run that has gone as far as it can: what does not go on says why, and what goes on says nothing. */
function assertReasons(run: Run): void {
  for (const [i, step] of run.state.steps.entries()) {
    const wait = waitOf(run, i);
    const isOver = OVER.includes(run.state.status) || run.state.status === "timed_out" || OVER.includes(step.status);
    const isAtWork = step.status === "running" && step.deadline === undefined && !step.between_attempts;
    assert.equal(wait !== undefined, !isOver && !isAtWork, `${step.status} ${JSON.stringify(wait)}`);
    if (!wait) continue;
    assert(isTrue(run, i, wait), JSON.stringify(wait));
    assert(wordsOf(wait).length > 0);
  }
}

const has = (ranges: string, i: number): boolean =>
  [...ranges.matchAll(/\[(\d+),(\d+)\)/g)].some(([, from, to]) => Number(from) <= i && i < Number(to));

/** Once all is written, what was noted last of a step that waits is why it waits. */
function assertNoted(run: Run, { decisions }: MirrorModel): void {
  for (const i of run.state.steps.keys()) {
    const wait = waitOf(run, i);
    if (!wait || ["dependencies", "values"].includes(wait.reason)) continue;
    if (wait.reason === "event" && wait.event_key === undefined) continue;
    const noted = [...decisions.values()].filter(({ steps }) => has(steps, i));
    const latest = Math.max(...noted.map(({ at }) => at));
    // What happens in the same moment may be in any order.
    const last = noted.flatMap(({ at, reason }) => (at > latest - 1 ? JSON.stringify(reason) : []));
    assert(last.includes(JSON.stringify(wait)), `${last.join()}, not ${JSON.stringify(wait)}`);
  }
}

test("a step that waits always has a reason, which is true, and is the last that was noted of it", () => {
  const anyRun = fc.property(randomPlan, moves, ({ plan, completed }, all) => {
    const play = new Play(plan, completed);
    for (const [n, move] of all.entries()) {
      play.move(move);
      if (move.hold) continue;
      assertReasons(play.run);
      if (n % 7 === 0) assertNoted(play.run, play.mirrored());
    }
  });
  fc.assert(anyRun, { seed: 7, numRuns: 100 });
});

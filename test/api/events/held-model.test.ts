import fc from "fast-check";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { EventTrigger } from "../../../src/contract/events/event-trigger.ts";
import type { StepRun, WorkflowRun } from "../../../src/contract/runs.ts";
import { ok, runOf, wait } from "../definitions.ts";
import { type Stack, startStack } from "../../stack/harness.ts";
import { until } from "../../stack/until.ts";

let stack: Stack;
beforeAll(async () => {
  stack = await startStack();
});
afterAll(() => stack.stop());

/** `payload`: of few, so that equal ones meet. */
type Move = { kind: "hold" | "send" | "cancel" | "open" | "cancel run" | "retry" | "expire"; payload: number };

const move: fc.Arbitrary<Move> = fc.record({
  kind: fc.oneof(
    ...(["hold", "hold", "send", "cancel", "open", "open", "cancel run", "retry", "expire"] as const).map(fc.constant),
  ),
  payload: fc.nat(1),
});

/** Of one key, in the plainest words: who waits, what is held, and what became of its newest use. */
interface Reference {
  waits?: number;
  held?: number;
  /** What every run that ever waited got; nothing while it waits. */
  runs: ({ got: number } | "failed" | "canceled" | undefined)[];
  /** Of the last wait; an event that was held and never taken is no wait. */
  last?: { received: number } | "not received";
  isKnown: boolean;
}

/** What the API is to answer to the move; undefined where it makes no sense then. */
function play(at: Reference, { kind, payload }: Move): number | undefined {
  const take = (event: number) => {
    at.runs[at.waits as number] = { got: event };
    at.last = { received: event };
    at.waits = undefined;
  };
  const open = (run: number) => {
    at.waits = run;
    at.isKnown = true;
    if (at.held !== undefined) take(at.held);
    at.held = undefined;
  };
  switch (kind) {
    case "open":
      // A second wait is refused, which takes a while.
      if (at.waits !== undefined) return undefined;
      at.runs.push(undefined);
      open(at.runs.length - 1);
      return 202;
    case "retry": {
      const last = at.runs.length - 1;
      if (at.waits !== undefined || typeof at.runs[last] !== "string") return undefined;
      at.runs[last] = undefined;
      open(last);
      return 200;
    }
    case "hold":
      at.isKnown = true;
      if (at.waits !== undefined) {
        take(payload);
        return 200;
      }
      if (at.held !== undefined && at.held !== payload) return 409;
      at.held = payload;
      return 202;
    case "send":
      if (at.waits !== undefined) {
        take(payload);
        return 200;
      }
      if (at.last === undefined) return 404;
      return at.last !== "not received" && at.last.received === payload ? 200 : 409;
    case "cancel":
      if (at.waits !== undefined) {
        at.runs[at.waits] = "failed";
        at.last = "not received";
        at.waits = undefined;
        return 200;
      }
      if (at.held === undefined) return at.isKnown ? 409 : 404;
      at.held = undefined;
      return 200;
    case "cancel run":
      if (at.waits === undefined) return undefined;
      at.runs[at.waits] = "canceled";
      at.last = "not received";
      at.waits = undefined;
      return 200;
    case "expire":
      at.held = undefined;
      return 200;
  }
}

let keys = 0;

async function playBoth(moves: Move[]): Promise<void> {
  const key = `key ${++keys}`;
  const path = `/v1/events/${encodeURIComponent(key)}`;
  const at: Reference = { runs: [], isKnown: false };
  const runs: WorkflowRun[] = [];
  const act = async ({ kind, payload }: Move): Promise<number> => {
    const asked = async (method: string, url: string, body?: unknown) =>
      (await stack.request(method, url, body)).status;
    const run = `/v1/workflow-runs/${runs.at(-1)?.id}`;
    switch (kind) {
      case "open":
        runs.push(await runOf(stack, [wait("paid", key)]));
        return 202;
      case "retry":
        return asked("POST", `${run}/steps/paid/retry`);
      case "hold":
        return asked("POST", `${path}/send`, { payload, hold_secs: 600 });
      case "send":
        return asked("POST", `${path}/send`, { payload });
      case "cancel":
        return asked("DELETE", path);
      case "cancel run":
        return asked("DELETE", run);
      case "expire":
        // As the time that passes does.
        await stack.deps.db.query("update held_events set expires_at = now() where event_key = $1", [key]);
        return 200;
    }
  };
  for (const one of moves) {
    const expected = play(at, one);
    if (expected === undefined) continue;
    expect([one, await act(one)]).toEqual([one, expected]);
    const shown = at.waits === undefined ? (at.held === undefined ? undefined : "held") : "waiting";
    await until(async () => {
      const { status } = (await stack.request<EventTrigger>("GET", path)).body;
      if (shown !== undefined) return status === shown;
      return status !== "held" && status !== "waiting" && (await isAs(runs, at));
    });
    await until(() => isAs(runs, at));
  }
}

async function isAs(runs: WorkflowRun[], at: Reference): Promise<boolean> {
  const found = await Promise.all(
    runs.map(async ({ id }) => {
      const { status } = await ok<WorkflowRun>(stack, "GET", `/v1/workflow-runs/${id}`);
      const [step] = await ok<StepRun[]>(stack, "GET", `/v1/workflow-runs/${id}/steps`);
      return status === "completed" ? { got: step?.output } : status === "running" ? undefined : status;
    }),
  );
  return JSON.stringify(found) === JSON.stringify(at.runs);
}

test("what is held, sent, awaited, canceled and too late, in any order, comes to whom the reference says", {
  timeout: 300_000,
}, async () => {
  const several = fc.array(fc.array(move, { minLength: 4, maxLength: 14, size: "max" }), {
    minLength: 6,
    maxLength: 6,
  });
  await fc.assert(
    fc.asyncProperty(several, async (plays) => {
      await Promise.all(plays.map(playBoth));
    }),
    { seed: 7, numRuns: 5, endOnFailure: true },
  );
});

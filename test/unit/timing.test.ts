import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import * as timing from "../../workflows/timing.ts";

const { INTERRUPTED_MS, AHEAD_MS, HELD_MS, QUICK_ANSWER_MS, RECALLED_WITHIN_MS, LOCAL_ACTIVITY_MS } = timing;
const { COMMAND_COMES_MS, COMMAND_KEPT_MS, COMMAND_ACKNOWLEDGED_MS, OUTCOME_KEPT_MS } = timing;
const { QUICK_WRITE_MS, OUTCOME_MIRRORED_MS, QUERY_ANSWERED_MS, OUTCOME_ANSWERED_MS } = timing;
const { HEARTBEAT_MS, HEARTBEAT_TIMEOUT_MS, TAKEN_UP_MS, HANDED_OVER_MS, ORPHANS_AWAITED_MS, AWAY_MS } = timing;

/** Temporal's default, which our runs have; a task that is held is handed in at 80 % of it. */
const WORKFLOW_TASK_MS = 10_000;
/** After an outage of the Temporal server, measured. */
const WORKER_IS_BACK_MS = 12_000;
/** As src/http/route.ts has it. */
const HTTP_REQUEST_MS = 15_000;

const LONGEST_HELD_MS = RECALLED_WITHIN_MS + HELD_MS + AHEAD_MS + QUICK_WRITE_MS;

test.each<[string, number[]]>([
  [
    "a command shortens a play, which ends before its task is held for long enough",
    [INTERRUPTED_MS, AHEAD_MS, HELD_MS],
  ],
  ["what outlasts a play is not slow yet", [AHEAD_MS, QUICK_ANSWER_MS]],
  ["a task is handed in before the server wants it back", [LONGEST_HELD_MS, 0.8 * WORKFLOW_TASK_MS]],
  ["a local activity ends by itself", [RECALLED_WITHIN_MS, LOCAL_ACTIVITY_MS]],
  ["who asks again finds the outcome", [LOCAL_ACTIVITY_MS, OUTCOME_KEPT_MS + 1]],
  ["a lost task is made again while outcomes are kept", [2 * WORKFLOW_TASK_MS, OUTCOME_KEPT_MS]],
  [
    "a command that comes late still interrupts; one that was heard does not",
    [COMMAND_COMES_MS, COMMAND_KEPT_MS, COMMAND_ACKNOWLEDGED_MS],
  ],
  ["the mirror has its chance before a run is asked", [HELD_MS + QUICK_WRITE_MS, OUTCOME_MIRRORED_MS]],
  ["who sent a command waits longer than who reads", [OUTCOME_MIRRORED_MS, QUERY_ANSWERED_MS, OUTCOME_ANSWERED_MS]],
  ["a command's request ends in time", [OUTCOME_MIRRORED_MS + OUTCOME_ANSWERED_MS, HTTP_REQUEST_MS]],
  ["heartbeats may get lost", [3 * HEARTBEAT_MS, HEARTBEAT_TIMEOUT_MS]],
  ["a process that was away notices before others are asked", [HEARTBEAT_MS + AWAY_MS, HEARTBEAT_TIMEOUT_MS]],
  ["a process that is away while it holds a task notices, too", [LONGEST_HELD_MS + AWAY_MS, WORKFLOW_TASK_MS]],
  ["a process that was cut off is back in time", [HEARTBEAT_TIMEOUT_MS, WORKER_IS_BACK_MS, TAKEN_UP_MS]],
  ["a worker that stops hands its calls over first", [HANDED_OVER_MS, ORPHANS_AWAITED_MS, TAKEN_UP_MS]],
])("%s", (_, times) => {
  expect(times).toEqual(times.toSorted((a, b) => a - b));
  expect(new Set(times).size).toBe(times.length);
});

test("docs/quick-lane.md has each of these times in its table, as it is", () => {
  const page = readFileSync(new URL("../../docs/quick-lane.md", import.meta.url), "utf8");
  const told = [...page.matchAll(/^\| `(\w+_MS)` +\| +(\d+) /gm)].map(([, name, ms]) => [name, Number(ms)]);
  expect(Object.fromEntries(told)).toEqual({ ...timing });
  expect(told.length).toBe(Object.keys(timing).length);
});

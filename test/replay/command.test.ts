import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { v7 as uuid } from "uuid";
import { msToTs } from "@temporalio/common/lib/time.js";
import type { temporal } from "@temporalio/proto";
import { afterAll, describe, expect, inject, test } from "vitest";
import { replayHistory } from "../../src/cli/replay-history.ts";
import { readHistory } from "./histories.ts";
import { startStack } from "../stack/harness.ts";
import { scenarioOn } from "../stack/scenario.ts";

type Scheduled = temporal.api.history.v1.IActivityTaskScheduledEventAttributes;

const stack = await startStack();
const on = scenarioOn(stack);
afterAll(() => stack.stop());

/** `npm run replay -- RUN_ID`, without npm. */
async function replay(runId: string, more: Record<string, string> = {}) {
  const { temporalAddress: TEMPORAL_ADDRESS, temporalNamespace: TEMPORAL_NAMESPACE } = stack.config;
  const env = { ...process.env, TEMPORAL_ADDRESS, TEMPORAL_NAMESPACE, ...more };
  const args = ["--import", "tsx", "src/cli/replay.ts", runId];
  return promisify(execFile)(process.execPath, args, { env }).then(
    ({ stdout, stderr }) => ({ code: 0, stdout, stderr }),
    ({ code, stdout, stderr }) => ({ code, stdout, stderr }),
  );
}

test("a run that is open replays cleanly", async () => {
  const run = await on.start([{ step_ref: "gate", step_type: "approval", approval_approvers: ["ada"] }]);
  await on.opens(run, "gate");
  expect(await replay(run.id)).toEqual({
    code: 0,
    stdout: expect.stringMatching(/^\d+ events, replays cleanly\n$/),
    stderr: "",
  });
});

test.each([
  ["a run that nobody knows", uuid(), {}, /knows no run/],
  ["what is no id", "invoice", {}, /invoice is not the id of a run/],
  [
    "a server that is not there",
    uuid(),
    { TEMPORAL_ADDRESS: "127.0.0.1:1" },
    /no Temporal server answers at 127.0.0.1:1 /,
  ],
  ["no such namespace", uuid(), { TEMPORAL_NAMESPACE: "nowhere" }, /no namespace nowhere: .* set TEMPORAL_NAMESPACE/],
])("%s is one clear line", async (_, id, more, line) => {
  const { code, stdout, stderr } = await replay(id, more);
  expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
  expect(stderr).toMatch(line);
  expect(stderr).not.toMatch(/ {4}at /);
});

test("of a history that today's workflows would not have made, the event is told that they do not lead to", async () => {
  const history = readHistory("invoice-approval");
  const events = history.events ?? [];
  const place = events.findIndex((event) => event.activityTaskScheduledEventAttributes);
  const scheduled = events[place]?.activityTaskScheduledEventAttributes;
  if (scheduled?.activityType) scheduled.activityType.name = "other";
  expect(await replayHistory({ codePath: inject("bundlePath") }, history)).toEqual({
    event: place + 1,
    message: expect.stringContaining("'other' does not match activity type of activity command 'dispatchJob'"),
  });
});

describe("of a history whose activities were scheduled otherwise, the first difference is told", () => {
  const replays = (change: (scheduled: Scheduled) => void) => {
    const history = readHistory("invoice-approval");
    const place = (history.events ?? []).findIndex((event) => event.activityTaskScheduledEventAttributes);
    change(history.events?.[place]?.activityTaskScheduledEventAttributes as Scheduled);
    return { place, replayed: replayHistory({ codePath: inject("bundlePath") }, history) };
  };

  test.each<[string, (scheduled: Scheduled) => void]>([
    ["taskQueue other", (scheduled) => Object.assign(scheduled, { taskQueue: { name: "other" } })],
    [
      "scheduleToStartTimeout 7000 ms",
      (scheduled) => Object.assign(scheduled, { scheduleToStartTimeout: msToTs(7000) }),
    ],
    ["startToCloseTimeout 7000 ms", (scheduled) => Object.assign(scheduled, { startToCloseTimeout: msToTs(7000) })],
    ["heartbeatTimeout 7000 ms", (scheduled) => Object.assign(scheduled, { heartbeatTimeout: msToTs(7000) })],
  ])("%s", async (told, change) => {
    const { place, replayed } = replays(change);
    expect(await replayed).toEqual({
      event: place + 1,
      message: expect.stringContaining(`scheduled with ${told}, and`),
    });
  });
});

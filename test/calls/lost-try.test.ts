import { afterEach, expect, test } from "vitest";
import { BEGIN, planWith, sleep } from "../engine/plans.ts";
import { type Commands, fromPayload, localEnd, sandboxed, type Sandbox } from "../stack/sandbox.ts";
import type { MirrorRows } from "../../workflows/engine/mirror/rows.ts";
import type { Heard } from "../../workflows/journal-types.ts";

let sandbox: Sandbox | undefined;
afterEach(() => sandbox?.destroy());

const timerOf = (commands: Commands, secs: number): number =>
  commands.find(({ startTimer }) => Number(startTimer?.startToFireTimeout?.seconds) === secs)?.startTimer
    ?.seq as number;

const localOf = (commands: Commands, type: string) =>
  commands.flatMap(({ scheduleLocalActivity: one }) => (one?.activityType === type ? [one] : []))[0];

/** A run of a sleep of a second that may take two, of which both timers are heard in a task whose lost try had heard only one. */
async function heardAnew(events?: string[]) {
  const { run, steps } = planWith([sleep("nap", [], { sleep_duration_secs: 1 })], { timeout_secs: 2 });
  sandbox = await sandboxed({ run, steps }, BEGIN);
  const { activate, begins, nextTask } = sandbox;
  const begun = await begins();
  await activate(BEGIN, localEnd(localOf(begun, "mirror")?.seq as number, null));
  nextTask();
  const fired = [timerOf(begun, 2), timerOf(begun, 1)].map((seq) => ({ fireTimer: { seq } }));
  const asks = await activate(BEGIN + 2_200, ...fired);
  const lost = [{ began: BEGIN + 2_100, news: { signals: 0, others: 1, events } }];
  const next = await activate(BEGIN + 2_210, localEnd(localOf(asks, "recall")?.seq as number, lost));
  const [rows, heard] = localOf(next, "mirror")?.arguments ?? [];
  const told = fromPayload<MirrorRows>(rows);
  return { run: told.run?.status, nap: told.steps[0]?.status, heard: fromPayload<Heard>(heard).news };
}

const EXPIRED = `run_expired ${BEGIN + 2_000}`;
const NAPPED = `deadline_passed 0 0 ${BEGIN + 1_000}`;

test("a lost try had heard what it says it had, though another timer was due before: what it showed stays", async () => {
  const { run, nap, heard } = await heardAnew([EXPIRED]);
  expect({ run, nap }).toEqual({ run: "timed_out", nap: "canceled" });
  expect(heard).toEqual({ signals: 0, others: 2, events: [EXPIRED, NAPPED] });
});

test("one that only says how much it had heard is taken to have heard what was due first", async () => {
  const { run, nap, heard } = await heardAnew();
  expect({ run, nap }).toEqual({ run: "completed", nap: "completed" });
  expect(heard.events).toEqual([NAPPED, EXPIRED]);
});

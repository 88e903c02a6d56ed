import { setTimeout as pauseFor } from "node:timers/promises";
import { test } from "vitest";
import { divergedAmong } from "../../replay/diverged-among.ts";
import { chainsUnderWay, LANES } from "../../stack/chains.ts";
import { compareEndpointLog, recordedAttempts } from "../../stack/endpoint-log.ts";
import { startStack } from "../../stack/harness.ts";
import { startWorkerProcess } from "../../stack/processes.ts";
import { scenarioOn } from "../../stack/scenario.ts";

/** Longer than heartbeats may be missing, and shorter than a workflow task may take. */
const FROZEN_MS = 7_000;
/** What it had sent is read by then, by an endpoint in a busy process. Nobody repeats a call so soon. */
const READ_MS = 1_500;

const [quick, ordinary] = LANES;

test.concurrent.for([
  { ...quick, until: "others have made its runs" },
  { ...ordinary, until: "heartbeats are missing" },
] as const)(
  "a worker of the $lane lane that is frozen until $until, and goes on, repeats no call and spoils no run",
  async ({ until, ...lane }, { expect, onTestFinished }) => {
    const stack = await startStack({ worker: false });
    onTestFinished(() => stack.stop());
    const on = scenarioOn(stack);
    const allEnd = async (runs: { id: string }[]) => {
      const ended = await Promise.all(runs.map((run) => on.ends(run)));
      expect(ended.map(({ status }) => status)).toEqual(ended.map(() => "completed"));
    };
    const [frozen, other] = await Promise.all([startWorkerProcess(stack), startWorkerProcess(stack)]);
    const before = await chainsUnderWay(stack, on, lane);
    const more = () => Promise.all(before.slice(0, 10).map(({ workflow_id }) => on.trigger({ id: workflow_id })));
    process.kill(frozen.pid, "SIGSTOP");
    const frozenAt = Date.now();
    const recorded = await recordedAttempts(stack);
    // Some of their tasks are given to the frozen one, which had asked for them.
    const during = await more();
    if (until === "heartbeats are missing") await pauseFor(frozenAt + FROZEN_MS - Date.now());
    else await allEnd([...before, ...during]);
    process.kill(frozen.pid, "SIGCONT");
    const after = await more();

    const runs = [...before, ...during, ...after];
    await allEnd(runs);
    await Promise.all([frozen.stop(), other.stop()]);
    await compareEndpointLog(stack, [frozenAt + READ_MS], recorded);
    const ids = runs.map(({ id }) => id);
    expect(await divergedAmong(stack.deps.temporal, ids)).toEqual([]);
  },
);

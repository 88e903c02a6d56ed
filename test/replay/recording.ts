import { afterAll, expect } from "vitest";
import type { Deps } from "../../src/deps.ts";
import { writeHistory } from "./histories.ts";
import { startStack } from "../stack/harness.ts";
import { scenarioOn } from "../stack/scenario.ts";
import { until } from "../stack/until.ts";

/** Saves the history of a closed run as `name`.json, its earlier legs as `name`-1.json and so on, back to the first. */
export async function record({ temporal }: Deps, { id }: { id: string }, name: string): Promise<void> {
  let leg: string | undefined = await until(async () => {
    const { status, runId } = await temporal.workflow.getHandle(id).describe();
    return status.name !== "RUNNING" && runId;
  });
  for (let back = 0; leg; back++) {
    const history = await temporal.workflow.getHandle(id, leg).fetchHistory();
    writeHistory(back > 0 ? `${name}-${back}` : name, history, anonymous);
    leg = history.events?.[0]?.workflowExecutionStartedEventAttributes?.continuedExecutionRunId || undefined;
  }
}

/** A stack for the tests of a file, and how runs are played on it to be recorded. */
export async function startRecording() {
  const stack = await startStack();
  afterAll(() => stack.stop());
  const on = scenarioOn(stack);
  return {
    stack,
    on,
    /** Ended as it should have. Records its latest opening. */
    async ends(run: { id: string }, status: string, name: string): Promise<void> {
      expect(await on.ends(run)).toMatchObject({ status });
      await record(stack.deps, run, name);
    },
    async does(...command: Parameters<typeof on.steer>): Promise<void> {
      expect(await on.steer(...command)).toMatchObject({ status: 200 });
    },
  };
}

/** What tells of the machine it was recorded on, and means nothing to a replay. */
const OF_THE_MACHINE = new Set(["identity", "stackTrace", "requestId", "binaryChecksum", "buildId"]);
/** The queue of one worker process is named by its number and its host. */
const STICKY_QUEUE = /^\d+@.*$/;

function anonymous(key: string, value: unknown): unknown {
  if (OF_THE_MACHINE.has(key)) return undefined;
  return typeof value === "string" ? value.replace(STICKY_QUEUE, "sticky") : value;
}

import { test } from "vitest";
import { compareEndpointLog } from "../stack/endpoint-log.ts";
import { type Stack, startStack } from "../stack/harness.ts";
import { startOwnPostgres } from "../stack/own-servers.ts";
import { startWorkerProcess } from "../stack/processes.ts";
import { scenarioOn } from "../stack/scenario.ts";
import { until } from "../stack/until.ts";

/** A small one would be kept in the run itself. */
const LARGE = { came: "while Postgres was away", with: "x".repeat(10_000) };

/** What the activity that awaits the answer told with its last heartbeat. */
async function lastHeartbeat({ deps }: Stack, { id }: { id: string }): Promise<string> {
  const { raw } = await deps.temporal.workflow.getHandle(id).describe();
  const [payload] = raw.pendingActivities?.[0]?.heartbeatDetails?.payloads ?? [];
  return Buffer.from(payload?.data ?? []).toString();
}

test.concurrent.for(["kill", "stop"] as const)(
  "an answer that could not be stored yet is not lost with its worker (%s)",
  async (end, { expect, onTestFinished }) => {
    const postgres = await startOwnPostgres();
    onTestFinished(() => postgres.remove());
    const stack = await startStack({ worker: false, servers: postgres, logLevel: "silent" });
    onTestFinished(() => stack.stop());
    const on = scenarioOn(stack);
    const answer = stack.jobs.hold("/held");
    const first = await startWorkerProcess(stack);
    const run = await on.start([{ step_ref: "held", calls: "/held" }]);
    await until(() => lastHeartbeat(stack, run));

    await postgres.stop();
    answer({ body: LARGE });
    await until(async () => (await lastHeartbeat(stack, run)).includes(LARGE.came));
    await first[end]();
    await postgres.start();
    const second = await startWorkerProcess(stack);
    onTestFinished(() => second.stop());

    expect(await on.ends(run)).toMatchObject({ status: "completed" });
    expect(await on.step(run, "held")).toMatchObject({ output: LARGE, attempt: 1 });
    expect(await compareEndpointLog(stack)).toEqual([]);
  },
);

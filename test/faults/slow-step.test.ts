import { setTimeout as pauseFor } from "node:timers/promises";
import { describe, test } from "vitest";
import type { WorkflowRun } from "../../src/contract/runs.ts";
import { compareEndpointLog } from "../stack/endpoint-log.ts";
import { requestTo, type Stack, type StackOptions, startStack } from "../stack/harness.ts";
import { startOwnTemporal } from "../stack/own-servers.ts";
import { startApiProcess, startWorkerProcess } from "../stack/processes.ts";
import { scenarioOn } from "../stack/scenario.ts";
import { until } from "../stack/until.ts";

/** How long the endpoint takes. */
const SLOW_MS = 30_000;
/** How long Temporal is away: it misses heartbeats, and workers that ask for work in vain do so ever more rarely. */
const AWAY_MS = 14_000;

const SLOW = [{ step_ref: "slow", calls: "/slow" }];

/** A stack whose endpoint /slow takes its time. */
async function startSlowStack(onTestFinished: (stop: () => Promise<void>) => void, options: StackOptions) {
  const stack = await startStack(options);
  onTestFinished(() => stack.stop());
  stack.jobs.on("/slow", async (_, nth) => {
    await pauseFor(SLOW_MS);
    return { body: { nth } };
  });
  return stack;
}

/** Waits until the server knows of the activity that awaits the answer, as its Web UI shows it. */
const showsHeartbeat = ({ deps }: Stack, { id }: WorkflowRun) =>
  until(async () => {
    const { raw } = await deps.temporal.workflow.getHandle(id).describe();
    const [activity, ...more] = raw.pendingActivities ?? [];
    return activity?.lastHeartbeatTime && more.length === 0 && activity.activityType?.name === "dispatchJob";
  });

describe.concurrent("a step whose endpoint takes half a minute", { timeout: 240_000 }, () => {
  test("is one call, awaited by an activity that shows and beats", async ({ expect, onTestFinished }) => {
    const stack = await startSlowStack(onTestFinished, {});
    const on = scenarioOn(stack);
    const run = await on.start(SLOW);
    await showsHeartbeat(stack, run);
    expect(await on.step(run, "slow")).toMatchObject({ status: "running", attempt: 1 });

    expect(await on.ends(run, 2 * SLOW_MS)).toMatchObject({ status: "completed" });
    expect(await compareEndpointLog(stack)).toEqual([]);
  });

  test("ends with a cancel of its run, which the endpoint sees", async ({ expect, onTestFinished }) => {
    const stack = await startSlowStack(onTestFinished, {});
    const on = scenarioOn(stack);
    const run = await on.start(SLOW);
    await showsHeartbeat(stack, run);

    expect(await on.cancel(run)).toMatchObject({ status: "canceled" });
    await until(() => stack.jobs.callsTo("/slow")[0]?.cutOff, { timeoutMs: SLOW_MS / 2 });
    expect(await on.statuses(run)).toEqual({ slow: "canceled" });
    expect(await compareEndpointLog(stack)).toEqual([]);
  });

  test("is one call although the API and the Temporal server are killed", async ({ expect, onTestFinished }) => {
    const temporal = await startOwnTemporal();
    onTestFinished(() => temporal.remove());
    const stack = await startSlowStack(onTestFinished, { servers: temporal, logLevel: "silent" });
    const answer = stack.jobs.hold("/slow");
    // Who would take over what another one seems to have left.
    const other = await startWorkerProcess(stack);
    onTestFinished(() => other.kill());
    const api = await startApiProcess(stack);
    const through = (origin: string) => scenarioOn({ ...stack, request: requestTo(origin, stack.token) });
    const run = await through(api.origin).start(SLOW);
    await showsHeartbeat(stack, run);

    await api.kill();
    const nextApi = await startApiProcess(stack);
    onTestFinished(() => nextApi.stop());
    const on = through(nextApi.origin);
    expect(await on.step(run, "slow")).toMatchObject({ status: "running", attempt: 1 });
    await temporal.kill();
    await pauseFor(AWAY_MS);
    await temporal.start();
    const [call] = stack.jobs.calls;
    await until(() => Date.now() - (call?.at ?? 0) > SLOW_MS, { timeoutMs: SLOW_MS });
    answer({ body: { nth: 1 } });

    expect(await on.ends(run, 2 * SLOW_MS)).toMatchObject({ status: "completed" });
    expect(await compareEndpointLog(stack)).toEqual([]);
  });

  test("is one more call when its worker is killed, of the same attempt", async ({ expect, onTestFinished }) => {
    const stack = await startSlowStack(onTestFinished, { worker: false });
    const on = scenarioOn(stack);
    const first = await startWorkerProcess(stack);
    const run = await on.start(SLOW);
    await showsHeartbeat(stack, run);

    await first.kill();
    const killedAt = Date.now();
    const second = await startWorkerProcess(stack);
    onTestFinished(() => second.stop());
    expect(await on.ends(run, 3 * SLOW_MS)).toMatchObject({ status: "completed" });
    expect(await on.step(run, "slow")).toMatchObject({ attempt: 1, output: { nth: 2 } });
    expect(await compareEndpointLog(stack, [killedAt])).toEqual([stack.jobs.callsTo("/slow")[1]]);
    expect(stack.jobs.calls).toHaveLength(2);
  });
});

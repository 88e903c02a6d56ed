import { EventEmitter, once } from "node:events";
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

const RUNS = 8;
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

/** Waits until the server knows of the activity that awaits the answer, as its Web UI shows it, and has heard of it since then. */
const showsHeartbeat = ({ deps }: Stack, { id }: WorkflowRun, since = 0) =>
  until(async () => {
    const { raw } = await deps.temporal.workflow.getHandle(id).describe();
    const [activity, ...more] = raw.pendingActivities ?? [];
    const heardAt = Number(activity?.lastHeartbeatTime?.seconds ?? 0) * 1000;
    return heardAt > since && more.length === 0 && activity?.activityType?.name === "dispatchJob";
  });

describe.concurrent("a step whose endpoint takes half a minute", () => {
  test("is one call, awaited by an activity that shows and beats", async ({ expect, onTestFinished }) => {
    const stack = await startSlowStack(onTestFinished, {});
    const on = scenarioOn(stack);
    const run = await on.start(SLOW);
    await showsHeartbeat(stack, run);
    expect(await on.step(run, "slow")).toMatchObject({ status: "running", attempt: 1 });

    expect(await on.ends(run)).toMatchObject({ status: "completed" });
    expect(await compareEndpointLog(stack)).toEqual([]);
  });

  test("ends with a cancel of its run, which the endpoint sees", async ({ expect, onTestFinished }) => {
    const stack = await startSlowStack(onTestFinished, {});
    const on = scenarioOn(stack);
    const run = await on.start(SLOW);
    await showsHeartbeat(stack, run);

    expect(await on.cancel(run)).toMatchObject({ status: "canceled" });
    await until(() => stack.jobs.callsTo("/slow")[0]?.cutOff);
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
    await until(() => Date.now() - (call?.at ?? 0) > SLOW_MS);
    answer({ body: { nth: 1 } });

    expect(await on.ends(run)).toMatchObject({ status: "completed" });
    expect(await compareEndpointLog(stack)).toEqual([]);
  });

  test("is one call although any worker took it, and the Temporal server is killed", async ({
    expect,
    onTestFinished,
  }) => {
    const temporal = await startOwnTemporal();
    onTestFinished(() => temporal.remove());
    const stack = await startStack({ servers: temporal, logLevel: "silent" });
    onTestFinished(() => stack.stop());
    const other = await startWorkerProcess(stack);
    onTestFinished(() => other.kill());
    const on = scenarioOn(stack);
    const answers = new EventEmitter().setMaxListeners(RUNS);
    // By its first two calls a run learns that the job is slow. The third is scheduled for whoever takes it.
    stack.jobs.on("/slow", async (_, nth) => {
      await (nth <= 2 * RUNS ? pauseFor(1_000) : once(answers, "now"));
      return { body: { nth } };
    });
    const chain = await on.workflow([
      ...SLOW,
      { step_ref: "again", calls: "/slow", depends_on: ["slow"] },
      { step_ref: "held", calls: "/slow", depends_on: ["again"] },
    ]);
    const runs = await Promise.all(Array.from({ length: RUNS }, () => on.trigger(chain)));
    await until(() => stack.jobs.callsTo("/slow").length === 3 * RUNS);
    await Promise.all(runs.map((run) => showsHeartbeat(stack, run)));

    await temporal.kill();
    await pauseFor(AWAY_MS);
    await temporal.start();
    const backAt = Date.now();
    await Promise.all(runs.map((run) => showsHeartbeat(stack, run, backAt)));
    answers.emit("now");

    const ended = await Promise.all(runs.map((run) => on.ends(run)));
    expect(ended.map(({ status }) => status)).toEqual(ended.map(() => "completed"));
    expect(await compareEndpointLog(stack)).toEqual([]);
    expect(stack.jobs.calls).toHaveLength(3 * RUNS);
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
    expect(await on.ends(run)).toMatchObject({ status: "completed" });
    expect(await on.step(run, "slow")).toMatchObject({ attempt: 1, output: { nth: 2 } });
    expect(await compareEndpointLog(stack, [killedAt])).toEqual([stack.jobs.callsTo("/slow")[1]]);
    expect(stack.jobs.calls).toHaveLength(2);
  });
});

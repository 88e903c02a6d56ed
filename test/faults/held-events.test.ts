import { v7 as uuid } from "uuid";
import { expect, test } from "vitest";
import type { WorkflowRun } from "../../src/contract/runs.ts";
import { freePort } from "../../src/dev/ports.ts";
import { requestTo, startStack } from "../stack/harness.ts";
import { startApiProcess, startWorkerProcess } from "../stack/processes.ts";
import { scenarioOn } from "../stack/scenario.ts";
import { until } from "../stack/until.ts";

const KEYS = 4;
const EVENTS = 5;
const LONG = 240_000;

/**
 * Of each key, events are sent one after the other while runs wait one after the other, and some runs are canceled as they
 * begin. Who sends asks again until it is told that the event is held or taken. In the middle an API and a worker are killed.
 */
test("each event that is held is taken by one step, whoever is killed or canceled in between", {
  timeout: LONG,
}, async ({ onTestFinished }) => {
  const stack = await startStack({ worker: false });
  onTestFinished(() => stack.stop());
  const on = scenarioOn(stack);
  const ports = [await freePort(), await freePort()];
  const [firstApi, secondApi, firstWorker, secondWorker] = await Promise.all([
    ...ports.map((port) => startApiProcess(stack, { PORT: String(port) })),
    startWorkerProcess(stack),
    startWorkerProcess(stack),
  ]);
  onTestFinished(async () => {
    for (const one of [firstApi, secondApi, firstWorker, secondWorker]) await one?.kill();
  });
  let asked = 0;
  /** Of either API, until it is answered with one of these. */
  const insist = (statuses: number[], method: string, path: string, body?: unknown) => {
    const headers = { "idempotency-key": uuid() };
    return until(
      async () => {
        const request = requestTo(`http://127.0.0.1:${ports[asked++ % 2]}`, () => stack.token());
        const answer = await request(method, path, body, { headers });
        if (statuses.includes(answer.status)) return answer;
        throw new Error(`${method} ${path}: ${answer.status} ${JSON.stringify(answer.body)}`);
      },
      { timeoutMs: LONG, everyMs: 50 },
    );
  };
  const taken = Array.from({ length: KEYS }, (): unknown[] => []);
  const count = () => taken.flat().length;

  const send = async (k: number) => {
    for (let payload = 0; payload < EVENTS; payload++)
      await insist([200, 202], "POST", `/v1/events/key-${k}/send`, { payload, hold_secs: 3600 });
  };
  const listen = async (outputs: unknown[], k: number) => {
    const workflow = await on.workflow([{ step_ref: "paid", step_type: "wait_for_event", event_key: `key-${k}` }]);
    for (let nth = 0; outputs.length < EVENTS; nth++) {
      const run = (await insist([202], "POST", `/v1/workflows/${workflow.id}/trigger`)).body as WorkflowRun;
      // It may be over before.
      if (nth % 3 === k % 3) await insist([200, 202, 400, 409], "DELETE", `/v1/workflow-runs/${run.id}`);
      await on.ends(run);
      // The key of a wait that has just ended may still be taken: then it fails. A run may be canceled when it has taken its event.
      const { status, output } = await on.step(run, "paid");
      if (status === "completed") outputs.push(output);
    }
  };
  const kill = async () => {
    await until(() => count() > 2, { timeoutMs: LONG });
    await firstWorker?.kill();
    await until(() => count() > 6, { timeoutMs: LONG });
    await firstApi?.kill();
  };
  await Promise.all([...taken.map(listen), ...taken.map((_, k) => send(k)), kill()]);

  const sent = Array.from({ length: EVENTS }, (_, payload) => payload);
  expect(taken.map((outputs) => outputs.toSorted())).toEqual(taken.map(() => sent));
  expect((await stack.request("GET", "/v1/events?status=held")).body).toMatchObject({ data: [] });
  await Promise.all([secondApi?.stop(), secondWorker?.stop()]);
});

test("a wait of a run that is not stored yet takes the event, and no other gets it after it", {
  timeout: LONG,
}, async ({ onTestFinished }) => {
  const stack = await startStack();
  onTestFinished(() => stack.stop());
  const on = scenarioOn(stack);
  const { db } = stack.deps;
  // A run begins before its row is committed: here each commit waits for the test.
  await db.query(`
    create function wait_for_test() returns trigger language plpgsql as
      $$ begin perform pg_advisory_xact_lock_shared(7); return null; end $$;
    create constraint trigger late after insert on workflow_runs deferrable initially deferred
      for each row execute function wait_for_test()`);
  const holder = await db.connect();
  onTestFinished(() => holder.release(true));
  const workflow = await on.workflow([{ step_ref: "paid", step_type: "wait_for_event", event_key: "key" }]);
  const send = (payload: number, hold_secs?: number) =>
    stack.request("POST", "/v1/events/key/send", { payload, hold_secs });
  const offers = async () => (await db.query("select 1 from held_events where status = 'offered'")).rows.length;

  await holder.query("select pg_advisory_lock(7)");
  expect((await send(1, 3600)).status).toBe(202);
  const triggered = on.trigger(workflow);
  await until(async () => expect(await offers()).toBe(1));
  expect((await send(1, 3600)).status).toBe(202);
  expect((await send(2, 3600)).status).toBe(409);
  expect((await send(2)).status).toBe(503);
  await holder.query("select pg_advisory_unlock(7)");
  const first = await triggered;
  await on.ends(first);
  expect(await on.step(first, "paid")).toMatchObject({ status: "completed", output: 1 });
  expect((await stack.request("GET", "/v1/events?status=held")).body).toMatchObject({ data: [] });

  const second = await on.trigger(workflow);
  await until(async () => expect((await send(2)).status).toBe(200));
  await on.ends(second);
  expect(await on.step(second, "paid")).toMatchObject({ status: "completed", output: 2 });
});

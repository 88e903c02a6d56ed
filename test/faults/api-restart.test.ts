import { once } from "node:events";
import { Agent, type ClientRequest, request } from "node:http";
import { connect } from "node:net";
import { setTimeout as pauseFor } from "node:timers/promises";
import { afterAll, beforeAll, expect, test } from "vitest";
import { freePort } from "../../src/dev/ports.ts";
import { requestTo, type Stack, startStack } from "../stack/harness.ts";
import { startApiProcess } from "../stack/processes.ts";
import { type Scenario, scenarioOn } from "../stack/scenario.ts";
import { GATE } from "../stack/step-drafts.ts";
import { until } from "../stack/until.ts";

let stack: Stack;
let on: Scenario;
beforeAll(async () => {
  stack = await startStack({ worker: false });
  on = scenarioOn(stack);
});
afterAll(() => stack.stop());

interface Told {
  status: number;
  connection?: string;
}

/** Rejects when the answer does not come, whole. */
function told(asked: ClientRequest): Promise<Told> {
  return new Promise((resolve, reject) => {
    asked.on("error", reject).on("response", (response) => {
      response.resume().on("error", reject);
      const { connection } = response.headers;
      response.on("end", () => resolve({ status: response.statusCode ?? 0, connection }));
    });
    asked.end();
  });
}

test("over a restart no client of eight that keep their connections busy loses a request", async () => {
  const port = await freePort();
  const start = () => startApiProcess(stack, { PORT: String(port) });
  const first = await start();
  const answers: Told[] = [];
  const lost: unknown[] = [];
  let isOver = false;

  const busy = async (nth: number) => {
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    const headers = { authorization: `Bearer ${stack.token()}` };
    // Some are quick, some take their time between two requests.
    for (; !isOver; await pauseFor(nth * 5)) {
      try {
        answers.push(await told(request({ port, path: "/v1/workflow-runs", agent, headers })));
      } catch (error) {
        // Nobody was reached who could lose it, be it refused or in the queue of who no longer listens: the client asks again.
        if ((error as NodeJS.ErrnoException).syscall === "connect") await pauseFor(20);
        else lost.push(error);
      }
    }
    agent.destroy();
  };
  const clients = Promise.all(Array.from({ length: 8 }, (_, nth) => busy(nth)));
  const atLeast = (count: number) => until(() => answers.length + lost.length > count);

  await atLeast(200);
  await first.stop();
  const before = answers.length;
  const second = await start();
  await atLeast(before + 200);
  isOver = true;
  await clients;
  await second.stop();

  expect(lost).toEqual([]);
  expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]));
  // Each client was told to leave before it was not let in any more.
  expect(answers.filter(({ connection }) => connection === "close").length).toBeGreaterThanOrEqual(8);
});

test("while a process stops it is not ready, and a request has the time that it was promised", async () => {
  const run = await on.start([GATE]);
  const api = await startApiProcess(stack);
  const ask = requestTo(api.origin, () => stack.token());
  const began = Date.now();
  const waiting = ask("GET", `/v1/workflow-runs/${run.id}?wait_secs=15`);
  expect(await ask("GET", "/health/ready")).toMatchObject({ status: 200, body: { status: "up" } });
  const stopped = api.stop();
  const readiness = await until(async () => {
    const answer = await ask<{ status: string }>("GET", "/health/ready");
    return answer.status === 503 && answer;
  });
  expect(readiness.body).toMatchObject({ status: "down", components: [{ name: "api", status: "down" }, {}, {}] });
  expect(readiness.headers.get("connection")).toBe("close");

  expect(await waiting).toMatchObject({ status: 200, body: { id: run.id, status: "running" } });
  expect(Date.now() - began).toBeGreaterThanOrEqual(15_000);
  await stopped;
});

test("a second signal ends a process at once", async () => {
  const run = await on.start([GATE]);
  const api = await startApiProcess(stack);
  const agent = new Agent({ keepAlive: true });
  // The API has the request once it says to go on with it.
  const headers = { authorization: `Bearer ${stack.token()}`, expect: "100-continue" };
  const sent = request(`${api.origin}/v1/workflow-runs/${run.id}?wait_secs=20`, { agent, headers });
  sent.flushHeaders();
  const waiting = told(sent);
  await once(sent, "continue");
  const cutOff = expect(waiting).rejects.toThrow();
  const stopped = api.stop();
  await until(async () => (await requestTo(api.origin, () => stack.token())("GET", "/health/ready")).status === 503);
  process.kill(api.pid, "SIGTERM");
  await Promise.all([stopped, cutOff]);
});

test("a connection made before a process stops listening is answered, also when its request comes after", async () => {
  const api = await startApiProcess(stack);
  const port = Number(new URL(api.origin).port);
  const socket = connect(port, "127.0.0.1");
  await once(socket, "connect");
  const stopped = api.stop();
  await until(async () => {
    const other = connect(port, "127.0.0.1");
    const isRefused = await once(other, "connect").then(
      () => false,
      () => true,
    );
    other.destroy();
    return isRefused;
  });
  const headers = { authorization: `Bearer ${stack.token()}` };
  const asked = request({ path: "/v1/workflow-runs", headers, createConnection: () => socket });
  expect(await told(asked)).toEqual({ status: 200, connection: "close" });
  await stopped;
});

test("a connection on which nothing was ever asked does not hold a process up", async () => {
  const api = await startApiProcess(stack);
  const socket = connect(Number(new URL(api.origin).port), "127.0.0.1");
  await once(socket, "connect");
  // Node lets go of it by itself after a minute.
  const since = Date.now();
  await Promise.all([api.stop(), once(socket, "close")]);
  expect(Date.now() - since).toBeLessThan(45_000);
});

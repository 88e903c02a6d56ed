import { spawn } from "node:child_process";
import { once } from "node:events";
import { afterAll, beforeAll, expect, onTestFinished, test } from "vitest";
import { freePort } from "../../src/dev/ports.ts";
import { type Stack, startStack } from "../stack/harness.ts";
import { variablesOf } from "../stack/processes.ts";
import { startProxy } from "../stack/proxy.ts";
import { until } from "../stack/until.ts";

let stack: Stack;
let postgres: Awaited<ReturnType<typeof startProxy>>;
let temporal: Awaited<ReturnType<typeof startProxy>>;
beforeAll(async () => {
  stack = await startStack({ worker: false });
  postgres = await startProxy(new URL(stack.config.databaseUrl).host);
  temporal = await startProxy(stack.config.temporalAddress);
});
afterAll(async () => {
  await Promise.all([postgres.close(), temporal.close()]);
  await stack.stop();
});

/** A process whose servers are away. */
async function startWaiting(file: string) {
  for (const server of [postgres, temporal]) server.break();
  const port = async () => String(await freePort());
  const ports = { PORT: await port(), METRICS_PORT: await port(), WORKER_PORT: await port() };
  const DATABASE_URL = Object.assign(new URL(stack.config.databaseUrl), { host: postgres.address }).href;
  const env = { ...process.env, ...variablesOf(stack), DATABASE_URL, TEMPORAL_ADDRESS: temporal.address };
  const child = spawn(process.execPath, ["src/boot.mjs", file], {
    env: { ...env, ...ports },
    stdio: ["ignore", "ignore", "pipe"],
  });
  let said = "";
  child.stderr.setEncoding("utf8").on("data", (text) => {
    said += text;
  });
  onTestFinished(() => void child.kill("SIGKILL"));
  const get = async (port: string, path: string) => {
    const response = await fetch(`http://127.0.0.1:${port}${path}`).catch((error) => {
      throw new Error(`no answer (exit code ${child.exitCode}): ${said}`, { cause: error });
    });
    const text = await response.text();
    return { status: response.status, headers: response.headers, text };
  };
  return {
    ...ports,
    get,
    async ends() {
      const ended = once(child, "exit");
      child.kill();
      return (await ended)[0];
    },
  };
}

const waitsFor = (self: string, component: string) => ({
  status: "down",
  components: [self, component].map((name) => ({ name, status: "down", latency_ms: 0 })),
});

test("an API that waits for its servers lives, is not ready, says for what it waits, and tells its metrics", async () => {
  const { PORT, METRICS_PORT, get, ends } = await startWaiting("src/api.ts");
  const readiness = async () => {
    const { status, headers, text } = await get(PORT, "/health/ready");
    return { status, retryAfter: headers.get("retry-after"), body: JSON.parse(text) };
  };
  const isAwaited = (name: string) => async () => (await readiness()).body.components[1]?.name === name;
  await until(isAwaited("postgres"));
  expect(await readiness()).toEqual({ status: 503, retryAfter: "1", body: waitsFor("api", "postgres") });
  const health = await get(PORT, "/health");
  expect([health.status, JSON.parse(health.text)]).toEqual([200, { edition: "community", status: "ok" }]);
  const other = await get(PORT, "/v1/workflows");
  expect([other.status, other.headers.get("retry-after")]).toEqual([503, "1"]);
  expect(JSON.parse(other.text)).toMatchObject({
    code: "unavailable",
    error: "this process has not started yet: what it needs cannot be reached, try again",
    request_id: other.headers.get("x-request-id"),
  });
  const metrics = await get(METRICS_PORT, "/metrics");
  expect([metrics.status, metrics.text]).toEqual([200, expect.stringContaining("process_cpu_seconds_total")]);

  postgres.mend();
  await until(isAwaited("temporal"));
  expect((await readiness()).body).toEqual(waitsFor("api", "temporal"));
  temporal.mend();
  await until(async () => (await readiness()).status === 200);
  expect((await get(PORT, "/v1/workflows")).status).toBe(401);
  expect((await get(METRICS_PORT, "/metrics")).text).toContain("workflow_runs_postgres_connections");
  expect(await ends()).toBe(0);
});

test("a worker that waits says for what, and an API that is stopped while it waits ends", async () => {
  const worker = await startWaiting("src/worker.ts");
  const api = await startWaiting("src/api.ts");
  const readiness = async () => JSON.parse((await worker.get(worker.WORKER_PORT, "/health/ready")).text);
  await until(async () => (await readiness()).components.length > 1);
  expect(await readiness()).toEqual(waitsFor("worker", "postgres"));
  await until(async () => (await api.get(api.PORT, "/health")).status === 200);
  expect(await api.ends()).toBe(0);
  postgres.mend();
  temporal.mend();
  await until(async () => (await readiness()).status === "up");
  expect(await worker.ends()).toBe(0);
});

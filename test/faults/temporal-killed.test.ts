import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, inject, test } from "vitest";
import { freePort } from "../../src/dev/ports.ts";
import { startTemporal } from "../../src/dev/temporal.ts";
import { type Stack, startStack } from "../stack/harness.ts";
import { type Scenario, scenarioOn } from "../stack/scenario.ts";
import { until } from "../stack/until.ts";

/** The longest that a caller is kept waiting while Temporal is away. */
const PATIENCE_MS = 25_000;

let dataDir: string;
let start: () => ReturnType<typeof startTemporal>;
let temporal: Awaited<ReturnType<typeof startTemporal>>;
let stack: Stack;
let on: Scenario;
beforeAll(async () => {
  dataDir = mkdtempSync(join(tmpdir(), "workflow-runs-temporal-"));
  const port = await freePort();
  start = () => startTemporal({ binary: inject("servers").temporalBinary, dataDir, port, namespace: "default" });
  temporal = await start();
  stack = await startStack({ servers: { temporalAddress: temporal.address }, logLevel: "silent" });
  on = scenarioOn(stack);
});
afterAll(async () => {
  await stack?.stop();
  await temporal?.stop();
  rmSync(dataDir, { recursive: true, force: true });
});

test("after a kill -9 of the Temporal server runs go on where they were", async () => {
  let answer = () => {};
  const answered = new Promise<undefined>((resolve) => {
    answer = () => resolve(undefined);
  });
  stack.jobs.on("/held", () => answered);
  const gate = { step_ref: "gate", step_type: "approval", approval_approvers: ["ada"] };
  const gated = await on.start([gate, { step_ref: "job", calls: "/job", depends_on: ["gate"] }]);
  const calling = await on.start([
    { step_ref: "held", calls: "/held" },
    { step_ref: "job", calls: "/job", depends_on: ["held"] },
  ]);
  await on.opens(gated, "gate");
  await until(() => stack.jobs.callsTo("/held").length === 1);

  process.kill(temporal.pid, "SIGKILL");
  await temporal.exited;
  const killedAt = Date.now();
  const told = await Promise.all([
    on.steer(gated, "pause"),
    stack.request("DELETE", `/v1/workflow-runs/${gated.id}`),
    stack.request("POST", `/v1/workflows/${gated.workflow_id}/trigger`, {}),
  ]);
  expect(told.map(({ status }) => status)).toEqual([503, 503, 503]);
  expect(Date.now() - killedAt).toBeLessThan(PATIENCE_MS);
  // Reads go on, from the mirror.
  expect(await on.run(gated)).toMatchObject({ status: "running" });
  expect(await stack.request("GET", "/v1/workflow-runs")).toMatchObject({ status: 200, body: { length: 2 } });
  answer();

  temporal = await start();
  // Nothing of a command that was answered 503 is left behind.
  expect(await until(() => on.step(gated, "gate"))).toMatchObject({ status: "waiting" });
  expect(await until(async () => (await on.steer(gated, "approve", "gate")).status === 200)).toBe(true);
  expect(await on.ends(gated, 30_000)).toMatchObject({ status: "completed" });
  expect(await on.ends(calling, 30_000)).toMatchObject({ status: "completed" });
  expect(stack.jobs.callsTo("/job")).toHaveLength(2);
  const held = stack.jobs.callsTo("/held").map(({ headers }) => [headers["x-run-id"], headers["x-attempt"]]);
  // Its answer came while nobody could record it: made again it is the same attempt.
  expect(held).toEqual(held.map(() => held[0]));
  expect(await on.step(calling, "held")).toMatchObject({ status: "completed", attempt: 1 });
});

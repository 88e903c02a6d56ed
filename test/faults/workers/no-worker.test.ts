import { afterAll, beforeAll, expect, test } from "vitest";
import type { BulkCanceled } from "../../../src/contract/bulk/verbs.ts";
import type { StepRun, WorkflowRun } from "../../../src/contract/runs.ts";
import { atGate, GATE_THEN_JOB } from "../gate-then-job.ts";
import { type Stack, startStack } from "../../stack/harness.ts";
import { type Scenario, scenarioOn } from "../../stack/scenario.ts";

type Accepted = { command_id: string; status: string };

let stack: Stack;
let on: Scenario;
beforeAll(async () => {
  stack = await startStack();
  on = scenarioOn(stack);
});
afterAll(() => stack.stop());

/** A run at its gate, as the mirror has it, and no worker until `meanwhile` is over. */
async function withoutWorker<Told>(meanwhile: (run: WorkflowRun) => Promise<Told>) {
  const run = await atGate(on);
  return { run, told: await stack.withoutWorker(() => meanwhile(run)) };
}

test("a command is answered also where processes do not hear of each other", async () => {
  const deaf = await startStack();
  await deaf.deps.notifications.stop();
  const scenario = scenarioOn(deaf);
  const run = await scenario.start(GATE_THEN_JOB);
  await scenario.opens(run, "gate");
  expect(await scenario.steer(run, "approve", "gate")).toMatchObject({
    status: 200,
    body: { approval: { status: "approved" } },
  });
  expect(await scenario.ends(run)).toMatchObject({ status: "completed" });
  await deaf.stop();
});

test("without a worker an approve is answered 202 and takes effect when one is back", async () => {
  const { run, told } = await withoutWorker((run) => on.steer<Accepted>(run, "approve", "gate"));

  expect(told).toMatchObject({ status: 202, body: { command_id: expect.any(String), status: "accepted" } });
  expect(await on.ends(run)).toMatchObject({ status: "completed" });
  expect(await on.statuses(run)).toEqual({ gate: "completed", job: "completed" });
});

test("of a run that was triggered without a worker, a gate is decided before it could open", async () => {
  const run = await stack.withoutWorker(async () => {
    const run = await on.start(GATE_THEN_JOB);
    expect(await on.steer(run, "approve", "gate")).toMatchObject({ status: 202 });
    return run;
  });

  expect(await on.ends(run)).toMatchObject({ status: "completed" });
  expect(await on.statuses(run)).toEqual({ gate: "completed", job: "completed" });
});

test("without a worker a cancel is answered 202 and happens when one is back", async () => {
  const { run, told } = await withoutWorker((run) => stack.request<Accepted>("DELETE", `/v1/workflow-runs/${run.id}`));

  expect(told).toMatchObject({ status: 202, body: { status: "accepted" } });
  expect(await on.ends(run)).toMatchObject({ status: "canceled" });
});

test("without a worker a bulk cancel of sixteen runs waits for them together, as for one", async () => {
  const runs = await Promise.all(Array.from({ length: 17 }, () => atGate(on)));
  const [alone = "", ...together] = runs.map(({ id }) => id);
  const cancel = async (workflow_run_ids: string[]) => {
    const since = Date.now();
    const { body } = await stack.request<BulkCanceled>("POST", "/v1/workflow-runs/bulk-cancel", { workflow_run_ids });
    expect(body.accepted).toHaveLength(workflow_run_ids.length);
    return Date.now() - since;
  };
  await stack.withoutWorker(async () => {
    const one = await cancel([alone]);
    expect(await cancel(together)).toBeLessThan(one * 8);
  });
  for (const run of runs) expect(await on.ends(run)).toMatchObject({ status: "canceled" });
});

test("what became of a command accepted without a worker is told under its idempotency key", async () => {
  const asEve = { token: stack.token({ sub: "eve" }), headers: { "idempotency-key": "eve-approves" } };
  const approve = (run: { id: string }) => on.steer<Accepted>(run, "approve", "gate", undefined, asEve);
  const { run, told } = await withoutWorker(approve);

  expect(told).toMatchObject({ status: 202, body: { command_id: "eve-approves" } });
  expect(await approve(run)).toMatchObject({ status: 400, body: { code: "approver_not_allowed" } });
  expect(await on.step(run, "gate")).toMatchObject({ status: "waiting" });
});

test("with a worker a refused command gets its 4xx", async () => {
  const run = await on.start(GATE_THEN_JOB);
  await on.opens(run, "gate");

  expect(await on.steer(run, "resume")).toMatchObject({ status: 400, body: { error: "workflow run is not paused" } });
  expect(await on.steer(run, "approve", "no-such-step")).toMatchObject({ status: 404 });
  expect(await on.steer(run, "approve", "gate", undefined, { token: stack.token({ sub: "eve" }) })).toMatchObject({
    status: 400,
    body: { error: "approver eve is not allowed for step gate" },
  });
});

test("without a worker an open run and its steps are read from the mirror", async () => {
  const read = ({ id }: { id: string }) =>
    Promise.all([
      stack.request<WorkflowRun>("GET", `/v1/workflow-runs/${id}`),
      stack.request<StepRun[]>("GET", `/v1/workflow-runs/${id}/steps`),
    ]);
  const { run, told } = await withoutWorker(read);

  // The same answers as a worker gives.
  expect(told.map(({ status, body }) => ({ status, body }))).toEqual(
    (await read(run)).map(({ status, body }) => ({ status, body })),
  );
  expect(told[1].body).toMatchObject([
    { step_ref: "gate", status: "waiting" },
    { step_ref: "job", status: "waiting" },
  ]);
});

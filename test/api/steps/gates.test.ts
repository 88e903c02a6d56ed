import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { WorkflowRun } from "../../../src/contract/runs.ts";
import {
  createJob,
  createWorkflow,
  gate,
  getRun,
  getStep,
  ok,
  opens,
  reaches,
  runOf,
  type Step,
  wait,
  work,
} from "../definitions.ts";
import { answered, gateAnswer, refused, stepAnswer } from "../shapes.ts";
import { type Stack, startStack } from "../../stack/harness.ts";

let stack: Stack;
/** A gate that is ada's, and what it holds back. */
let held: Step[];
beforeAll(async () => {
  stack = await startStack();
  const job = await createJob(stack, "/deploy");
  held = [gate("gate"), work("test", job, { depends_on: ["gate"] }), work("deploy", job, { depends_on: ["test"] })];
});
afterAll(() => stack.stop());

const OVERRIDE = "insufficient permissions: requires approvals:override";
const OPERATOR = ["workflows:read", "workflows:write", "workflows:trigger"];
const eve = (...scopes: string[]) => stack.token({ sub: "eve", scopes: [...OPERATOR, ...scopes] });
const ada = () => stack.token({ sub: "ada", scopes: OPERATOR });

const path = (run: WorkflowRun, ref: string, verb: string) => `/v1/workflow-runs/${run.id}/steps/${ref}/${verb}`;
const steer = (run: WorkflowRun, ref: string, verb: string, token: string, body?: unknown) =>
  stack.request("POST", path(run, ref, verb), body, { token });

async function atGate(): Promise<WorkflowRun> {
  const run = await runOf(stack, held);
  await opens(stack, run, "gate");
  return run;
}
async function approved(): Promise<WorkflowRun> {
  const run = await atGate();
  await ok(stack, "POST", path(run, "gate", "approve"));
  await reaches(stack, run, "completed");
  return run;
}
async function rejected(): Promise<WorkflowRun> {
  const run = await atGate();
  await ok(stack, "POST", path(run, "gate", "reject"));
  return run;
}
const calls = () => stack.jobs.callsTo("/deploy").length;

describe("of or around a gate", () => {
  test.each<[string, () => Promise<WorkflowRun>, ref: string, verb: string, body?: unknown]>([
    ["skipping it", atGate, "gate", "skip"],
    ["force-completing it", atGate, "gate", "force-complete"],
    ["skipping what it holds back", atGate, "test", "skip"],
    ["force-completing what it holds back", atGate, "deploy", "force-complete", { result: { forged: true } }],
    ["retrying it once it was rejected", rejected, "gate", "retry"],
    ["retrying it once it was approved", approved, "gate", "retry"],
    ["replaying it", approved, "gate", "replay-subtree"],
    ["replaying what is behind it", approved, "test", "replay-subtree"],
    ["retrying what has completed behind it", approved, "deploy", "retry"],
    ["the same with another payload", approved, "test", "retry", { step_payloads: { test: { evil: true } } }],
  ])("%s takes an approver or the scope", async (_, make, ref, verb, body) => {
    const run = await make();
    const before = [await getRun(stack, run), await getStep(stack, run, ref), calls()];
    refused(await steer(run, ref, verb, eve(), body), 403, "forbidden", OVERRIDE);
    refused(await steer(run, ref, verb, eve("approvals:decide"), body), 403, "forbidden", OVERRIDE);
    refused(await steer(run, ref, `${verb}?dryRun=true`, eve(), body), 403, "forbidden", OVERRIDE);
    expect([await getRun(stack, run), await getStep(stack, run, ref), calls()]).toEqual(before);

    expect((await steer(run, ref, `${verb}?dryRun=true`, ada(), body)).status).toBe(200);
    expect((await steer(run, ref, verb, eve("approvals:override"), body)).status).toBe(200);
  });

  test("an approver needs no scope more for it than for any step", async () => {
    const run = await atGate();
    answered(await steer(run, "gate", "skip", ada(), { reason: "hotfix" }), 200, stepAnswer);
    await reaches(stack, run, "completed");
  });

  test("a retry of the run with another payload takes one, too; without it what was approved goes on", async () => {
    stack.jobs.on("/fails", () => ({ status: 422 }));
    const failing = work("fails", await createJob(stack, "/fails"), { depends_on: ["gate"] });
    const run = await runOf(stack, [gate("gate"), failing]);
    await opens(stack, run, "gate");
    await ok(stack, "POST", path(run, "gate", "approve"));
    await reaches(stack, run, "failed");
    const retry = (token: string, body?: unknown, query = "") =>
      stack.request("POST", `/v1/workflow-runs/${run.id}/retry${query}`, body, { token });
    for (const body of [{ payload: { evil: true } }, { step_payloads: { fails: { evil: true } } }]) {
      refused(await retry(eve(), body), 403, "forbidden", OVERRIDE);
      refused(await retry(eve(), body, "?dryRun=true"), 403, "forbidden", OVERRIDE);
      expect((await retry(ada(), body)).status).toBe(201);
    }
    expect((await retry(eve())).status).toBe(201);
  });
});

describe("step_overrides", () => {
  const trigger = (id: string, token: string, ...refs: string[]) =>
    stack.request(
      "POST",
      `/v1/workflows/${id}/trigger`,
      { step_overrides: refs.map((step_ref) => ({ step_ref })) },
      { token },
    );

  test.each([
    ["leaves the gate out", ["gate"]],
    ["cuts it off from what it holds back", ["test"]],
    ["leaves it out with some of what it holds back", ["gate", "test"]],
  ])("that %s takes an approver or the scope", async (_, refs) => {
    const { id } = await createWorkflow(stack, held);
    refused(await trigger(id, eve(), ...refs), 403, "forbidden", OVERRIDE);
    expect(await ok(stack, "GET", `/v1/workflows/${id}/runs`)).toEqual([]);
    expect((await trigger(id, ada(), ...refs)).status).toBe(202);
    expect((await trigger(id, eve("approvals:override"), ...refs)).status).toBe(202);
  });

  test("that leaves out what the gate holds back takes nobody", async () => {
    const { id } = await createWorkflow(stack, held);
    expect((await trigger(id, eve(), "test", "deploy")).status).toBe(202);
  });
});

describe("a token that is worth an approval and nothing else", () => {
  test("approves and rejects, and does nothing besides", async () => {
    const [run, other] = [await atGate(), await atGate()];
    const token = stack.token({ scopes: ["approvals:decide"] });
    for (const verb of ["skip", "force-complete", "retry", "replay-subtree"])
      refused(
        await steer(run, "gate", verb, token),
        403,
        "forbidden",
        "insufficient permissions: requires workflows:write",
      );
    answered(await steer(run, "gate", "approve", token), 200, gateAnswer);
    answered(await steer(other, "gate", "reject", token), 200, gateAnswer);
  });

  test("is one of its approvers' or worth nothing", async () => {
    const run = await atGate();
    const token = stack.token({ sub: "eve", scopes: ["approvals:decide", "approvals:override"] });
    const message = "approver eve is not allowed for step gate";
    refused(await steer(run, "gate", "approve", token), 400, "approver_not_allowed", message);
  });
});

describe("keys of our own making", () => {
  test.each(["approval:", "sleep:x", "approval:01900000-0000-7000-8000-000000000000:gate", "approval:{{run}}:gate"])(
    "%s is no key of a definition",
    async (key) => {
      const create = (step: Step) =>
        stack.request("POST", "/v1/workflows", { name: "x", slug: "reserved", steps: [step] });
      const message = /_key must not begin with approval: or sleep:, which are reserved$/;
      const { details } = refused(await create(wait("w", key)), 400, "validation_error", message);
      expect(details).toEqual([expect.stringContaining("steps[0].event_key of step")]);
      const emits = { step_ref: "nap", step_type: "sleep", sleep_duration_secs: 1, event_emit_key: key };
      refused(await create(emits), 400, "validation_error", message);
    },
  );

  test("one that a template makes fails the step that would wait for it", async () => {
    const victim = await atGate();
    const key = `approval:${victim.id}:gate`;
    const run = await runOf(stack, [wait("thief", "{{key}}")], {}, { payload: { key } });
    const failed = await reaches(stack, run, "failed");
    expect(failed.error).toBe(`event key "${key}" must not begin with approval: or sleep:, which are reserved`);
    await ok(stack, "POST", `/v1/events/${encodeURIComponent(key)}/send`);
    await reaches(stack, victim, "completed");
  });

  test("one that a template makes is sent to nobody by a step that completes", async () => {
    const victim = await atGate();
    const emits = { step_ref: "nap", step_type: "sleep", sleep_duration_secs: 1, event_emit_key: "{{key}}" };
    const run = await runOf(stack, [emits], {}, { payload: { key: `approval:${victim.id}:gate` } });
    await reaches(stack, run, "completed");
    expect((await getStep(stack, victim, "gate")).status).toBe("waiting");
  });
});

test("a signal by hand passes a gate in an approver's name, or saying that it may", async () => {
  const signal = (run: WorkflowRun, payload: object) =>
    stack.deps.temporal.workflow.getHandle(run.id).signal("skip", { step_ref: "gate", ...payload });
  const [refusing, first, second] = [await atGate(), await atGate(), await atGate()];
  await signal(refusing, {});
  await signal(refusing, { actor: "eve", may_override: "yes" });
  await signal(first, { actor: "ada" });
  await signal(second, { actor: "on-call", may_override: true });
  for (const run of [first, second]) await reaches(stack, run, "completed");
  expect((await getStep(stack, refusing, "gate")).status).toBe("waiting");
});

describe("gates within a sub-workflow", () => {
  async function around(depth: number): Promise<WorkflowRun> {
    let inner = await createWorkflow(stack, [gate("gate")]);
    const over = (id: string) => ({ step_ref: "sub", step_type: "sub_workflow", sub_workflow_id: id });
    for (let level = 1; level < depth; level++) inner = await createWorkflow(stack, [over(inner.id)]);
    const job = await createJob(stack, "/deploy");
    const steps = [
      wait("pre", `begin-${inner.id}`),
      { ...over(inner.id), depends_on: ["pre"] },
      work("pay", job, { depends_on: ["sub"] }),
    ];
    return runOf(stack, steps);
  }

  test.each([1, 2])("hold for who passes it over, %i deep", async (depth) => {
    const run = await around(depth);
    for (const verb of ["skip", "force-complete"])
      refused(await steer(run, "sub", verb, eve()), 403, "forbidden", OVERRIDE);
    expect(await steer(run, "sub", "skip", eve("approvals:override"))).toMatchObject({ status: 200 });
  });

  test("hold for who leaves it out, and an approver of them may", async () => {
    const { workflow_id } = await around(1);
    const trigger = (token: string) =>
      stack.request("POST", `/v1/workflows/${workflow_id}/trigger`, { step_overrides: { sub: false } }, { token });
    refused(await trigger(eve()), 403, "forbidden", OVERRIDE);
    expect(await trigger(ada())).toMatchObject({ status: 202 });
  });
});

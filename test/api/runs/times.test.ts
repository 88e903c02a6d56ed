import { setTimeout as pauseFor } from "node:timers/promises";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { StepRun, WorkflowRun } from "../../../src/contract/runs.ts";
import {
  createJob,
  createWorkflow,
  gate,
  getRun,
  getSteps,
  ok,
  opens,
  reaches,
  trigger,
  wait,
  work,
} from "../definitions.ts";
import { type Stack, startStack } from "../../stack/harness.ts";
import { epochMs } from "../../../workflows/engine/time.ts";

let stack: Stack;
beforeAll(async () => {
  stack = await startStack();
});
afterAll(() => stack.stop());

/** Every time that was shown, by what it is of. One that was shown is shown the same for ever. */
class Shown {
  readonly times = new Map<string, string>();

  see(value: unknown, of = ""): void {
    if (Array.isArray(value)) {
      for (const [i, each] of value.entries()) this.see(each, `${of}/${i}`);
      return;
    }
    if (typeof value !== "object" || value === null) return;
    const { id = of, attempt } = value as { id?: string; attempt?: number };
    for (const [name, member] of Object.entries(value)) {
      if (name === "output" || name === "payload") continue;
      if (!/_at$/.test(name)) this.see(member, `${of}/${name}`);
      else {
        const key = `${id} ${attempt} ${name}`;
        expect(member, key).toBe(this.times.get(key) ?? member);
        this.times.set(key, String(member));
      }
    }
  }

  /** How many of them have more digits than milliseconds. */
  get precise(): number {
    return [...this.times.values()].filter((text) => /\.\d{4,6}Z$/.test(text)).length;
  }
}

test("times are in microseconds, in order, and the same on every read, from the run, from its mirror and in lists", async () => {
  const shown = new Shown();
  stack.jobs.on("/fails", (_call, nth) => (nth === 1 ? { status: 503, body: "not yet" } : { body: { nth } }));
  const slow = async () => {
    await pauseFor(400);
    return { body: {} };
  };
  stack.jobs.on("/slow", slow);
  const [job, fails, late] = await Promise.all([
    createJob(stack, "/quick"),
    createJob(stack, "/fails"),
    createJob(stack, "/slow"),
  ]);
  const child = await createWorkflow(stack, [work("in", job)]);
  const workflow = await createWorkflow(
    stack,
    [
      ...Array.from({ length: 12 }, (_, i) => work(`s${i}`, job, { depends_on: i ? [`s${i - 1}`] : [] })),
      work("again", fails, { retry_max_attempts: 2, retry_initial_delay_secs: 1 }),
      work("slow", late),
      { step_ref: "nap", step_type: "sleep", sleep_duration_secs: 1 },
      { step_ref: "sub", step_type: "sub_workflow", sub_workflow_id: child.id },
      gate("gate", { depends_on: ["s11"], approval_timeout_secs: 600 }),
      wait("wait", "key", { depends_on: ["gate"] }),
    ],
    { timeout_secs: 3600 },
  );
  const run = await trigger(stack, workflow);
  const look = async () => {
    const read = [getRun(stack, run), getSteps(stack, run)] as const;
    const lists = ["workflow-runs", "workflows", "jobs"].map((list) => ok(stack, "GET", `/v1/${list}?limit=100`));
    const attempts = ["again", "gate", "s3"].map((ref) =>
      ok(stack, "GET", `/v1/workflow-runs/${run.id}/steps/${ref}/attempts`),
    );
    for (const answer of await Promise.all([...read, ...lists])) shown.see(answer);
    for (const [i, answer] of (await Promise.all(attempts)).entries()) shown.see(answer, `attempts ${i}`);
  };
  for (const made of [job, child, workflow, run]) shown.see(made);
  await look();
  await opens(stack, run, "gate");
  await look();
  shown.see(await ok(stack, "POST", `/v1/workflow-runs/${run.id}/steps/gate/approve`));
  await opens(stack, run, "wait");
  await look();
  shown.see(await ok(stack, "POST", "/v1/events/key/send"));
  await reaches(stack, run, "completed");
  await look();

  expect(shown.times.size).toBeGreaterThan(80);
  expect(shown.precise / shown.times.size).toBeGreaterThan(0.95);

  const at = (text = "") => epochMs(text);
  const [over, steps]: [WorkflowRun, StepRun[]] = [await getRun(stack, run), await getSteps(stack, run)];
  expect(at(over.started_at)).toBeGreaterThanOrEqual(at(over.created_at));
  expect(at(over.expires_at) - at(over.created_at)).toBe(3_600_000);
  for (const step of steps) {
    expect(at(step.started_at)).toBeGreaterThanOrEqual(at(over.created_at));
    expect(at(step.finished_at)).toBeGreaterThanOrEqual(at(step.started_at));
    expect(at(over.finished_at)).toBeGreaterThanOrEqual(at(step.finished_at));
  }
  for (let i = 1; i < 12; i++) expect(at(steps[i]?.started_at)).toBeGreaterThanOrEqual(at(steps[i - 1]?.finished_at));
  const nap = steps.find(({ step_ref }) => step_ref === "nap");
  expect(at(nap?.finished_at) - at(nap?.started_at)).toBeGreaterThanOrEqual(1_000);
});

test("a closed run that opens again keeps the times of what it does not do again", async () => {
  const shown = new Shown();
  const job = await createJob(stack, "/quick");
  const workflow = await createWorkflow(stack, [work("a", job), gate("gate", { depends_on: ["a"] })]);
  const run = await trigger(stack, workflow);
  await opens(stack, run, "gate");
  await ok(stack, "POST", `/v1/workflow-runs/${run.id}/steps/gate/approve`);
  await reaches(stack, run, "completed");
  shown.see((await getSteps(stack, run))[0]);
  await ok(stack, "POST", `/v1/workflow-runs/${run.id}/steps/gate/retry`);
  await opens(stack, run, "gate");
  shown.see((await getSteps(stack, run))[0]);
  const [first, second] = await ok<{ started_at: string; finished_at: string }[]>(
    stack,
    "GET",
    `/v1/workflow-runs/${run.id}/steps/gate/attempts`,
  );
  expect(epochMs(second?.started_at ?? "")).toBeGreaterThanOrEqual(epochMs(first?.finished_at ?? ""));
});

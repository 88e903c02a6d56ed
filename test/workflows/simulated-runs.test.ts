import { afterAll, expect, test } from "vitest";
import fc from "fast-check";
import assert from "node:assert/strict";
import pMap from "p-map";
import type { RunSimulation, WorkflowSimulation } from "../../src/contract/simulation/simulations.ts";
import type { WorkflowRun } from "../../src/contract/runs.ts";
import type { Workflow } from "../../src/contract/workflows.ts";
import { isOver } from "../model/reference-run.ts";
import { startStack } from "../stack/harness.ts";
import { scenarioOn, type StepDraft } from "../stack/scenario.ts";
import { until } from "../stack/until.ts";

const RUNS = 100;
const AT_ONCE = 12;

const stack = await startStack();
const on = scenarioOn(stack);
afterAll(() => stack.stop());

/** What a step's job is given: it says how its endpoint answers, one attempt after the other, the last answer again and again. */
type Asked = { case: string; step: string; answers: number[]; n: number };
const asked = new Map<string, Asked[]>();
stack.jobs.on("/any", ({ body }) => {
  const call = body as Asked;
  const name = `${call.case}/${call.step}`;
  const calls = asked.get(name) ?? [];
  asked.set(name, [...calls, call]);
  const status = call.answers[Math.min(calls.length, call.answers.length - 1)] ?? 200;
  return status === 200 ? { body: { step: call.step, n: call.n } } : { status, body: "no" };
});

const drawn = fc.record({
  type: fc.constantFrom("job", "job", "job", "approval", "wait_for_event", "sleep", "sub_workflow"),
  parents: fc.array(fc.nat(), { maxLength: 3 }),
  asks: fc.constantFrom(undefined, undefined, "status", "output", "exists"),
  on_failure: fc.constantFrom("continue", "skip_dependents"),
  on_skip: fc.constantFrom("run", "skip_dependents"),
  answers: fc.constantFrom([200], [200], [200], [422], [500], [500, 200]),
  attempts: fc.constantFrom(1, 2),
  n: fc.nat(9),
  isRefused: fc.nat(2).map((n) => n === 0),
});
type Drawn = typeof drawn extends fc.Arbitrary<infer D> ? D : never;
const anyRun = fc.array(drawn, { minLength: 2, maxLength: 9, size: "max" });

/**
 * However fast its steps are, such a run ends the same way: conditions ask for what comes before, and only the last step, which
 * comes after all others, fails the run.
 */
function stepsOf(all: Drawn[], jobId: string, childId: string): StepDraft[] {
  return all.map(({ type, parents, asks, on_failure, on_skip, answers, attempts, n }, i) => {
    const isLast = i === all.length - 1;
    const depends_on = i === 0 ? [] : isLast ? refs(i) : [...new Set(parents.map((p) => `s${p % i}`))];
    const [parent] = depends_on;
    return {
      step_ref: `s${i}`,
      step_type: type,
      depends_on,
      on_failure: isLast ? "fail_workflow" : on_failure,
      on_skip,
      condition: asks && parent ? conditionOn(asks, parent) : undefined,
      ...((type === "job" || type === "sub_workflow") && { payload: { step: `s${i}`, answers, n } }),
      ...(type === "job" && { job_id: jobId, retry_max_attempts: attempts, retry_backoff: "fixed" }),
      ...(type === "sub_workflow" && { sub_workflow_id: childId }),
      ...(type === "approval" && { approval_approvers: ["ada"] }),
      ...(type === "wait_for_event" && { event_key: `{{payload.case}}/s${i}` }),
      ...(type === "sleep" && { sleep_duration_secs: 1 }),
    };
  });
}

const refs = (count: number) => Array.from({ length: count }, (_, i) => `s${i}`);

function conditionOn(asks: string, step_ref: string) {
  if (asks === "status") return { type: "step_status", step_ref, status: "completed" };
  const ref = `outputs.${step_ref}.n`;
  return asks === "exists" ? { type: "exists", operand: { ref } } : { type: "gt", left: { ref: `${ref}?` }, right: 4 };
}

/** The same as the world will have it. */
function outcomeOf({ type, answers, n, isRefused }: Drawn, i: number) {
  const [first = 200, second] = answers;
  const error = `endpoint returned ${first}: no`;
  const output = { step: `s${i}`, n };
  switch (type) {
    case "job":
      if (first === 200) return { output };
      return { failure: { status_code: first, error, attempts: second && 1 }, ...(second && { output }) };
    case "sub_workflow":
      return first === 200 ? { output: { only: output } } : { failure: { error } };
    case "approval":
      return isRefused ? { decision: "reject" } : { by: "ada" };
    case "wait_for_event":
      return { event: { n } };
    default:
      return {};
  }
}

/** Decides gates and sends events until the run is over. */
const drive = (run: WorkflowRun, all: Drawn[], name: string): Promise<WorkflowRun> =>
  until(
    async () => {
      const now = await on.run(run);
      if (isOver(now)) return now;
      const open = (await on.steps(run)).filter(({ status, started_at }) => status === "waiting" && started_at);
      await Promise.all(
        open.map(({ step_ref }) => {
          const { type, isRefused, n } = all[Number(step_ref.slice(1))] as Drawn;
          if (type === "approval") return on.steer(run, isRefused ? "reject" : "approve", step_ref);
          return type === "wait_for_event" ? on.send(`${name}/${step_ref}`, { n }) : undefined;
        }),
      );
      return false;
    },
    { everyMs: 100 },
  );

const byRef = <Step extends { step_ref: string }>(steps: Step[]) =>
  [...steps].sort((a, b) => (a.step_ref < b.step_ref ? -1 : 1));
const SLEPT = /"slept_for_secs"/;
const seen = ({
  step_ref,
  status,
  error,
  output,
}: {
  step_ref: string;
  status: string;
  error?: string;
  output?: unknown;
}) => ({
  ...{ step_ref, status, error },
  output: SLEPT.test(JSON.stringify(output) ?? "") ? "slept" : output,
});

async function play(all: Drawn[], n: number, jobId: string, child: Workflow): Promise<void> {
  const name = `case-${n}`;
  const workflow = await on.workflow(stepsOf(all, jobId, child.id));
  const payload = { case: name };
  const outcomes = Object.fromEntries(all.map((one, i) => [`s${i}`, outcomeOf(one, i)]));
  const before = await stack.request<WorkflowSimulation>("POST", `/v1/workflows/${workflow.id}/simulate`, {
    ...{ payload, outcomes },
  });
  assert.equal(before.status, 200, JSON.stringify(before.body));
  assert.equal(asked.has(`${name}/s0`), false, "nothing is called");

  const run = await drive(await on.trigger(workflow, { payload }), all, name);
  const steps = await on.steps(run);
  const simulated = before.body;
  assert.deepEqual([simulated.status, simulated.error], [run.status, run.error]);
  assert.deepEqual(byRef(simulated.steps).map(seen), byRef(steps).map(seen));
  for (const step of simulated.steps) {
    const real = steps.find(({ step_ref }) => step_ref === step.step_ref);
    if (step.attempts) assert.equal(step.attempts.length, real?.attempt);
    const calls = asked.get(`${name}/${step.step_ref}`) ?? [];
    if (step.step_type === "job") assert.equal(calls.length, step.attempts?.length ?? 0);
    if (step.step_type === "job" && step.payload) assert.deepEqual(calls[0], withSlept(step.payload, calls[0]));
    if (step.event_key !== undefined) assert.equal(step.event_key, `${name}/${step.step_ref}`);
  }

  const after = await stack.request<RunSimulation>("POST", `/v1/workflow-runs/${run.id}/simulate`);
  assert.equal(after.status, 200, JSON.stringify(after.body));
  assert.equal(after.body.diverges_at, undefined);
  assert.deepEqual([after.body.status, after.body.error], [run.status, run.error]);
  assert.deepEqual(byRef(after.body.steps).map(seen), byRef(steps).map(seen));
}

/** A simulated sleep ends at another time than the real one. */
function withSlept(simulated: unknown, real: unknown): unknown {
  const outputs = (real as { parent_outputs?: Record<string, unknown> } | undefined)?.parent_outputs ?? {};
  const slept = Object.entries(outputs).filter(([, output]) => SLEPT.test(JSON.stringify(output)));
  if (slept.length === 0) return simulated;
  const given = simulated as { parent_outputs?: Record<string, unknown> };
  return { ...given, parent_outputs: { ...given.parent_outputs, ...Object.fromEntries(slept) } };
}

test(`${RUNS} random runs on a real server end as they were simulated to, and as they are simulated once they are over`, async () => {
  const child = await on.workflow([{ step_ref: "only", calls: "/any" }]);
  const jobId = await on.job("/any");
  const wrong: string[] = [];
  const cases = fc.sample(anyRun, { seed: 11, numRuns: RUNS });
  await pMap(
    cases,
    (all, n) =>
      play(all, n, jobId, child).catch((error) => wrong.push(`${JSON.stringify({ n, all })}\n${error.stack}`)),
    { concurrency: AT_ONCE },
  );
  expect(wrong.slice(0, 3)).toEqual([]);
});

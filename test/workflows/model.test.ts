import { afterAll, expect, test } from "vitest";
import fc from "fast-check";
import assert from "node:assert/strict";
import pMap from "p-map";
import type { StepRun, WorkflowRun } from "../../src/contract/runs.ts";
import { findRun } from "../../src/store/runs.ts";
import { listStepRows } from "../../src/store/steps.ts";
import { askRun } from "../../src/temporal/query-run.ts";
import { assertEnd } from "../model/end.ts";
import { type Case, randomCase } from "../model/random-definitions.ts";
import { isOver } from "../model/reference-run.ts";
import { startStack } from "../stack/harness.ts";
import { scenarioOn } from "../stack/scenario.ts";
import { until } from "../stack/until.ts";
import type { PlanStep } from "../../workflows/engine/plan.ts";
import type { RunRow, StepRow } from "../../workflows/engine/mirror/rows.ts";
import { stepStatesQuery } from "../../workflows/messages.ts";

const RUNS = 100;
const AT_ONCE = 12;
/** A worker is taken away, and another one comes, each time so many runs have been begun. */
const RESTART_EVERY = 33;

const stack = await startStack();
const on = scenarioOn(stack);
afterAll(() => stack.stop());

type Asked = { case: string; step: string; answers: number[] };
const answered = new Map<string, number>();
stack.jobs.on("/any", async ({ body }) => {
  const { case: name, step, answers } = body as Asked;
  const nth = answered.get(`${name}/${step}`) ?? 0;
  answered.set(`${name}/${step}`, nth + 1);
  // Long enough for a command to meet it.
  await new Promise((resolve) => setTimeout(resolve, (nth + Number(step.slice(1))) % 5 === 0 ? 100 : 5));
  return { status: answers[nth] ?? 200, body: { step, nth } };
});

const RECOVERIES = ["retry", "replay-subtree"];

/** Which steps a verb is made for, by what everybody sees of them. */
function aims(verb: string, steps: StepRun[], definitions: Case["steps"]): StepRun[] {
  const isOpen = ({ status }: StepRun) => status === "pending" || status === "waiting";
  return steps.filter((step, i) => {
    const waitsAs = (type: string) => isOpen(step) && step.started_at && definitions[i]?.step_type === type;
    if (verb === "approve" || verb === "reject") return waitsAs("approval");
    if (verb === "send-event" || verb === "cancel-event") return waitsAs("wait_for_event");
    return RECOVERIES.includes(verb) ? isOver(step) : isOpen(step);
  });
}

/** One command, wherever the run is by now. Answers whether it was applied. */
async function steer(run: WorkflowRun, drawn: Case, name: string, n: number): Promise<boolean> {
  const { verb, pick, twice } = drawn.commands[n] as Case["commands"][number];
  const steps = await on.steps(run);
  const sensible = aims(verb, steps, drawn.steps);
  const among = pick % 4 > 0 && sensible.length > 0 ? sensible : steps;
  const ref = among[(pick >> 2) % among.length]?.step_ref ?? "";
  const key = { headers: { "Idempotency-Key": `${name}-${n}` } };
  const send = () => {
    if (verb === "cancel") return stack.request("DELETE", `/v1/workflow-runs/${run.id}`, undefined, key);
    if (verb === "send-event" || verb === "cancel-event")
      return stack.request("POST", `/v1/events/${encodeURIComponent(`${name}/${ref}`)}/send`, { payload: n }, key);
    return on.steer(run, verb, verb === "pause" || verb === "resume" ? undefined : ref, {}, key);
  };
  const answers = await Promise.all(twice ? [send(), send()] : [send()]);
  for (const { status, body } of answers)
    assert([200, 202, 400, 404, 409].includes(status), `${verb} ${ref}: ${status} ${JSON.stringify(body)}`);
  return answers.some(({ status }) => status < 300);
}

/** Gives the run what it waits for, until it is over. */
const settle = (run: WorkflowRun, drawn: Case, name: string) =>
  until(
    async () => {
      const { status } = await on.run(run);
      if (isOver({ status })) return true;
      if (status === "paused") await on.steer(run, "resume");
      const steps = await on.steps(run);
      const gates = aims("approve", steps, drawn.steps).map(({ step_ref }) => on.steer(run, "approve", step_ref));
      const events = aims("send-event", steps, drawn.steps).map(({ step_ref }) => on.send(`${name}/${step_ref}`));
      await Promise.all([...gates, ...events]);
      return false;
    },
    { everyMs: 100 },
  );

/**
 * Without times, and without revisions, which follow from them: Temporal may tell the worker that takes a run over another
 * time than it tells a later replay. (A local activity that another worker makes anew is heard of when the task of that one
 * has begun; a replay hears of it when it was asked for.)
 */
const timeless = (of: { run: RunRow; steps: StepRow[] }) => ({
  run: { ...of.run, finished_at: undefined, expires_at: undefined, revision: undefined },
  steps: of.steps.map(({ output, ...step }) => ({
    ...step,
    revision: undefined,
    started_at: step.started_at !== undefined,
    finished_at: step.finished_at !== undefined,
    output: JSON.stringify(output)?.replace(/slept_for_secs.*/, "slept"),
  })),
});

/** The mirror is the workflow's own view, and both are an end that the rules allow. */
async function assertEnded(run: WorkflowRun, drawn: Case, recoveries: number): Promise<void> {
  const handle = stack.deps.temporal.workflow.getHandle(run.id);
  // Closed as whatever: from then on nothing is on its way to the mirror.
  await handle.result().catch(() => {});
  const [row, rows, own] = await Promise.all([
    findRun(stack.deps.db, run.id),
    listStepRows(stack.deps.db, run.id),
    // A worker that is just stopping answers nobody.
    until(() => askRun(stack.deps, run.id, stepStatesQuery)),
  ]);
  assert(row);
  assert.deepEqual(timeless({ run: row, steps: rows }), timeless(own), "what is mirrored is what the workflow shows");
  assertEnd(drawn.steps as unknown as PlanStep[], row, rows);
  for (const { output } of rows) {
    const slept = /slept_for_secs":([\d.]+)/.exec(JSON.stringify(output)?.replaceAll("\\", "") ?? "")?.[1];
    assert(Number(slept ?? 1) >= 1, `a sleep of a second took ${slept}`);
  }
  for (const { generation, step_ref } of rows)
    assert(generation <= recoveries, `${step_ref} was reset ${generation} times by ${recoveries} commands`);
}

/** No call was made twice; a job run goes on until it is answered well, and no longer; no step has more of them than it has lives. */
function assertCalls(name: string, lives: number): void {
  const attempts = new Map<string, number[]>();
  const jobRuns = new Map<string, Set<string>>();
  for (const { body, headers } of stack.jobs.callsTo("/any")) {
    const asked = body as Asked;
    if (asked.case !== name) continue;
    const jobRun = `${headers["x-run-id"]}`;
    attempts.set(jobRun, [...(attempts.get(jobRun) ?? []), Number(headers["x-attempt"])]);
    jobRuns.set(asked.step, (jobRuns.get(asked.step) ?? new Set()).add(jobRun));
  }
  for (const made of attempts.values())
    assert.deepEqual(
      made,
      [...made.keys()].map((i) => i + 1),
      "attempts that were made",
    );
  for (const [step, of] of jobRuns)
    assert(of.size <= lives, `${step} was dispatched ${of.size} times in ${lives} lives`);
}

async function play(drawn: Case, n: number): Promise<void> {
  const name = `case-${n}`;
  const run = await on.start(drawn.steps, { payload: { case: name } }, drawn.fields);
  let recoveries = 0;
  for (const [i, { verb }] of drawn.commands.entries()) {
    const applied = await steer(run, drawn, name, i);
    if (applied && RECOVERIES.includes(verb)) recoveries++;
  }
  await settle(run, drawn, name);
  await assertEnded(run, drawn, recoveries);
  assertCalls(name, 1 + recoveries);
}

test(`${RUNS} random runs on a real server, steered at random, with workers that come and go, end as the rules allow, each call made once`, async () => {
  const child = await on.workflow([{ step_ref: "only", calls: "/any" }]);
  const cases = fc.sample(randomCase(await on.job("/any"), child.id), { seed: 5, numRuns: RUNS });
  const wrong: string[] = [];
  await pMap(
    cases,
    async (drawn, n) => {
      if (n % RESTART_EVERY === RESTART_EVERY - 1) {
        await stack.stopWorker();
        await stack.startWorker();
      }
      await play(drawn, n).catch((error) => wrong.push(`${JSON.stringify({ n, ...drawn })}\n${error.stack}`));
    },
    { concurrency: AT_ONCE },
  );
  expect(wrong.slice(0, 3)).toEqual([]);
});

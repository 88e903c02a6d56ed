import { afterAll, expect, test } from "vitest";
import fc from "fast-check";
import assert from "node:assert/strict";
import pMap from "p-map";
import type { Json } from "../../src/contract/json.ts";
import type { Approval, StepRun, WorkflowRun } from "../../src/contract/runs.ts";
import { listApprovals } from "../../src/store/approvals/approvals.ts";
import { findRun, type StoredRun } from "../../src/store/runs.ts";
import { listStepRows } from "../../src/store/steps.ts";
import { askRun } from "../../src/temporal/query-run.ts";
import { assertEnd } from "../model/end.ts";
import { assertDecided, Quorum } from "../model/gates/quorum.ts";
import { APPROVERS, type Case, OPTIONS, randomCase } from "../model/random-definitions.ts";
import { isOver } from "../model/reference-run.ts";
import { divergedAmong } from "../replay/diverged-among.ts";
import { startStack } from "../stack/harness.ts";
import { scenarioOn } from "../stack/scenario.ts";
import { until } from "../stack/until.ts";
import type { PlanStep } from "../../workflows/engine/plan.ts";
import type { StepRow } from "../../workflows/engine/mirror/rows.ts";
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
const VOTES = ["approve", "choose", "reject", "withdraw"];
const isOfGates = (verb: string) => [...VOTES, "comment", "reassign", "extend"].includes(verb);

/** What is said with a verb. With a comment, who has decided is shown with all votes. */
function saidWith(verb: string, pick: number): Record<string, Json> {
  if (verb === "choose") return { option: OPTIONS[pick % OPTIONS.length] as string, comment: verb };
  if (verb === "reassign") return { approvers: pick % 2 ? APPROVERS : [...APPROVERS, "cleo"] };
  if (verb === "extend") return { until: new Date(Date.now() + 3_600_000).toISOString() };
  return ["approve", "reject", "comment"].includes(verb) ? { comment: verb } : {};
}

const as = (sub: string) => ({ token: stack.token({ sub }) });

/** What of a run somebody said to its gates, and what it was answered with. */
interface Votes {
  drawn: Case;
  quorum: Quorum;
  /** Gates on which each has voted for something else. */
  split: Set<string>;
}

/** Says it to a gate, and holds what is answered against the rules of votes. */
async function vote(
  run: WorkflowRun,
  { drawn, quorum }: Votes,
  verb: string,
  ref: string,
  actor: string,
  said: Record<string, Json>,
  headers = {},
) {
  const answer = await on.steer<{ approval?: Approval }>(run, verb, ref, said, { ...as(actor), headers });
  const step = drawn.steps.find(({ step_ref }) => step_ref === ref) as unknown as PlanStep;
  const { option } = said as { option?: string };
  if (answer.status === 202) quorum.loses(ref);
  if (answer.status === 200 && answer.body.approval && VOTES.includes(verb))
    quorum.hears(step, { verb, actor, option, approval: answer.body.approval });
  return answer;
}

/** Which steps a verb is made for, by what everybody sees of them. */
function aims(verb: string, steps: StepRun[], definitions: Case["steps"]): StepRun[] {
  const isOpen = ({ status }: StepRun) => status === "pending" || status === "waiting";
  return steps.filter((step, i) => {
    const waitsAs = (type: string) => isOpen(step) && step.started_at && definitions[i]?.step_type === type;
    if (isOfGates(verb)) return waitsAs("approval");
    if (verb === "send-event" || verb === "cancel-event") return waitsAs("wait_for_event");
    return RECOVERIES.includes(verb) ? isOver(step) : isOpen(step);
  });
}

/** One command, wherever the run is by now. Answers whether it was applied. */
async function steer(run: WorkflowRun, votes: Votes, name: string, n: number): Promise<boolean> {
  const { drawn } = votes;
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
  const actor = APPROVERS[(pick >> 4) % APPROVERS.length] as string;
  const votesOnce = () => vote(run, votes, verb, ref, actor, saidWith(verb, pick >> 5), key.headers);
  const repeats = () => on.steer(run, verb, ref, saidWith(verb, pick >> 5), { ...as(actor), ...key });
  const answers = isOfGates(verb)
    ? await Promise.all(twice ? [votesOnce(), repeats()] : [votesOnce()])
    : await Promise.all(twice ? [send(), send()] : [send()]);
  for (const { status, body } of answers)
    assert([200, 202, 400, 404, 409].includes(status), `${verb} ${ref}: ${status} ${JSON.stringify(body)}`);
  return answers.some(({ status }) => status < 300);
}

/** At first each votes for something else, then all for the same: who has voted thinks again. */
async function decide(run: WorkflowRun, votes: Votes, ref: string): Promise<void> {
  const isChosen = votes.drawn.steps.find(({ step_ref }) => step_ref === ref)?.approval_options !== undefined;
  const isSplit = !votes.split.has(ref);
  votes.split.add(ref);
  for (const [n, actor] of APPROVERS.entries()) {
    const verb = isChosen ? "choose" : "approve";
    const { status } = await vote(run, votes, verb, ref, actor, saidWith(verb, isSplit ? n : 0));
    if (status === 409) await vote(run, votes, "withdraw", ref, actor, {});
  }
}

/** Gives the run what it waits for, until it is over. */
const settle = (run: WorkflowRun, votes: Votes, name: string) =>
  until(
    async () => {
      const { drawn } = votes;
      const { status } = await on.run(run);
      if (isOver({ status })) return true;
      if (status === "paused") await on.steer(run, "resume");
      const steps = await on.steps(run);
      const gates = aims("approve", steps, drawn.steps).map(({ step_ref }) => decide(run, votes, step_ref));
      const events = aims("send-event", steps, drawn.steps).map(({ step_ref }) => on.send(`${name}/${step_ref}`));
      await Promise.all([...gates, ...events]);
      return false;
    },
    { everyMs: 100, timeoutMs: 300_000 },
  );

/**
 * Without times, and without revisions, which follow from them: Temporal may tell the worker that takes a run over another
 * time than it tells a later replay. (A local activity that another worker makes anew is heard of when the task of that one
 * has begun; a replay hears of it when it was asked for.)
 */
const timeless = (of: { run: StoredRun; steps: StepRow[] }) => ({
  run: { ...of.run, finished_at: undefined, expires_at: undefined, reopened_at: undefined, revision: undefined },
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
  const [row, rows, gates, own] = await Promise.all([
    findRun(stack.deps.db, run.id),
    listStepRows(stack.deps.db, run.id),
    listApprovals(stack.deps.db, run.id),
    // A worker that is just stopping answers nobody.
    until(() => askRun(stack.deps, run.id, stepStatesQuery)),
  ]);
  assert(row);
  assert.deepEqual(timeless({ run: row, steps: rows }), timeless(own), "what is mirrored is what the workflow shows");
  assertEnd(drawn.steps as unknown as PlanStep[], row, rows);
  for (const gate of gates) {
    const definition = drawn.steps.find(({ step_ref }) => step_ref === gate.step_ref) as unknown as PlanStep;
    assertDecided(definition, gate, await on.step(run, definition.step_ref));
  }
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

async function play(run: WorkflowRun, drawn: Case, name: string): Promise<void> {
  const votes = { drawn, quorum: new Quorum(), split: new Set<string>() };
  let recoveries = 0;
  for (const [i, { verb }] of drawn.commands.entries()) {
    const applied = await steer(run, votes, name, i);
    if (applied && RECOVERIES.includes(verb)) recoveries++;
  }
  await settle(run, votes, name);
  await assertEnded(run, drawn, recoveries);
  assertCalls(name, 1 + recoveries);
}

test(`${RUNS} random runs on a real server, steered at random, with workers that come and go, end as the rules allow, each call made once`, async () => {
  const child = await on.workflow([{ step_ref: "only", calls: "/any" }]);
  const cases = fc.sample(randomCase(await on.job("/any"), child.id), { seed: 5, numRuns: RUNS });
  const wrong: string[] = [];
  const runs: string[] = [];
  await pMap(
    cases,
    async (drawn, n) => {
      if (n % RESTART_EVERY === RESTART_EVERY - 1) {
        await stack.stopWorker();
        await stack.startWorker();
      }
      const run = await on.start(drawn.steps, { payload: { case: `case-${n}` } }, drawn.fields);
      runs.push(run.id);
      await play(run, drawn, `case-${n}`).catch(async ({ stack: thrown }) => {
        const { body } = await stack.request("GET", `/v1/workflow-runs/${run.id}/explain`);
        wrong.push(`${JSON.stringify({ n, ...drawn })}\n${thrown}\n${JSON.stringify(body)}`);
      });
    },
    { concurrency: AT_ONCE },
  );
  // Whatever was lost and made again, another worker decides as those did that made the history.
  const diverged = await divergedAmong(stack.deps.temporal, runs);
  expect([...wrong.slice(0, 3), ...diverged.slice(0, 1)]).toEqual([]);
}, 900_000);

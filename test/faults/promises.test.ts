import { randomUUID } from "node:crypto";
import { setTimeout as pauseFor } from "node:timers/promises";
import fc from "fast-check";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { StepRun, WorkflowRun } from "../../src/contract/runs.ts";
import { isRunOver } from "../../workflows/engine/transitions.ts";
import { commandSignals } from "../../workflows/messages.ts";
import { type Stack, startStack } from "../stack/harness.ts";
import { lossyTemporal } from "../stack/lossy-temporal.ts";
import { startWorkerProcess } from "../stack/processes.ts";
import { type Scenario, scenarioOn } from "../stack/scenario.ts";
import { until } from "../stack/until.ts";

/** More of them: RUNS=2000 npx vitest run test/faults/promises.test.ts */
const RUNS = Number(process.env.RUNS ?? 160);
const AT_ONCE = 16;
const STEPS = ["a", "b", "c", "d", "e"];

let stack: Stack;
let way: Awaited<ReturnType<typeof lossyTemporal>>;
let workers: Awaited<ReturnType<typeof startWorkerProcess>>[];
let scenario: Scenario;
let lossShare = 0;

beforeAll(async () => {
  stack = await startStack({ worker: false, logLevel: "silent" });
  scenario = scenarioOn(stack);
  way = await lossyTemporal(stack.config.temporalAddress, () => Math.random() < lossShare);
  const lossy = { ...stack, config: { ...stack.config, temporalAddress: way.address } };
  workers = await Promise.all([startWorkerProcess(lossy), startWorkerProcess(lossy)]);
  // Every status that was ever to be seen of a run.
  await stack.deps.db.query(`
    create table shown (run_id uuid, status text, n bigint generated always as identity);
    create function note_shown() returns trigger language plpgsql as
      $$ begin insert into shown (run_id, status) values (new.id, new.status); return null; end $$;
    create trigger note_shown after insert or update on workflow_runs for each row execute function note_shown()`);
});

afterAll(async () => {
  await Promise.all(workers.map((worker) => worker.stop()));
  way.close();
  await stack.stop();
});

const move = fc
  .record({
    verb: fc.constantFrom("pause", "skip", "force-complete", "cancel", "none"),
    step: fc.constantFrom(...STEPS),
    byHand: fc.boolean(),
    /** After the trigger was answered: a chain takes some 60 to 300 ms. */
    afterMs: fc.nat(300),
    shape: fc.constantFrom("one", "chain", "fan", "join"),
  })
  .map((one) => ({ ...one, step: one.shape === "one" ? "a" : one.step }));
type Move = typeof move extends fc.Arbitrary<infer M> ? M : never;

/** Of a command that was sent: whether it was applied, and when that was known. */
interface Verdict {
  applied: boolean;
  at: number;
}

test.for([
  { name: "as it is", share: 0 },
  { name: "and every sixth workflow task gets lost", share: 1 / 6 },
])(
  "two workers, commands at any moment, $name: no call is made twice, no end is taken back, no answer lies",
  { timeout: 1_200_000 },
  async ({ share }) => {
    lossShare = share;
    const on = scenario;
    for (const ref of STEPS) {
      stack.jobs.on(`/${share}/${ref}`, async (_, nth) => {
        await pauseFor(10 + (nth % 3) * 10);
        return { body: { nth } };
      });
    }
    const steps = (depends: (i: number) => string[]) =>
      STEPS.map((step_ref, i) => ({ step_ref, calls: `/${share}/${step_ref}`, depends_on: depends(i) }));
    const workflows = {
      one: await on.workflow(steps(() => []).slice(0, 1)),
      chain: await on.workflow(steps((i) => STEPS.slice(0, i).slice(-1))),
      fan: await on.workflow(steps(() => [])),
      join: await on.workflow(steps((i) => (i === 0 ? [] : i < 4 ? ["a"] : ["b", "c", "d"]))),
    };
    const moves = fc.sample(move, RUNS);
    const left = [...moves];
    const played: { run: WorkflowRun; move: Move; verdict: Verdict | undefined; resumed: number | undefined }[] = [];
    await Promise.all(
      Array.from({ length: AT_ONCE }, async () => {
        for (let next = left.pop(); next; next = left.pop()) {
          const run = await on.trigger(workflows[next.shape]);
          await pauseFor(next.afterMs);
          const verdict = await steered(run, next);
          let resumed: number | undefined;
          if (next.verb === "pause" && verdict?.applied) {
            await pauseFor(30);
            resumed = Date.now();
            await on.steer(run, "resume");
          }
          played.push({ run, move: next, verdict, resumed });
        }
      }),
    );
    expect(played.length).toBe(RUNS);
    if (share > 0) expect(way.lost()).toBeGreaterThan(RUNS / 20);

    const lies: unknown[] = [];
    for (const { run, move, verdict, resumed } of played) {
      // A pause that was only accepted has its effect whenever a worker comes to it.
      if (move.verb === "pause" && !verdict) await until(() => isOverOrResumed(run));
      const { status } = await on.ends(run);
      const told = await on.steps(run);
      const lie = (what: string, more: object = {}) => lies.push({ what, run: run.id, move, verdict, status, ...more });
      const calls = (step: StepRun | undefined) =>
        stack.jobs.calls.filter(({ headers }) => headers["x-run-id"] === step?.job_run_id);
      for (const step of told) {
        const made = calls(step);
        const attempts = new Set(made.map(({ headers }) => headers["x-attempt"]));
        if (made.length !== attempts.size) lie("a call was made twice", { step: step.step_ref });
        if (step.status === "completed" && move.verb !== "force-complete" && made.length === 0)
          lie("completed without a call", { step: step.step_ref });
      }
      const { rows } = await stack.deps.db.query<{ status: string }>(
        "select status from shown where run_id = $1 order by n",
        [run.id],
      );
      const first = rows.findIndex((row) => ["completed", "failed", "canceled", "timed_out"].includes(row.status));
      if (rows.slice(first).some((row) => row.status !== rows[first]?.status))
        lie("an end was taken back", { shown: rows.map((row) => row.status).join(" ") });
      if (!verdict) continue;
      const target = told.find(({ step_ref }) => step_ref === move.step);
      const since = (from: number, to = Number.POSITIVE_INFINITY) =>
        told.flatMap((step) => calls(step).filter(({ at }) => at > from && at < to)).length;
      if (move.verb === "skip" || move.verb === "force-complete") {
        const wanted = move.verb === "skip" ? "skipped" : "completed";
        if (verdict.applied && (target?.status !== wanted || calls(target).length > 0)) lie("was called", { target });
        if (!verdict.applied && target?.status === "skipped") lie("refused, and done", { target });
      }
      if (move.verb === "pause" && verdict.applied && resumed !== undefined) {
        const { rows } = await stack.deps.db.query<{ at: number }>(
          "select max(at) as at from run_commands where run_id = $1 and outcome->>'verb' = 'pause'",
          [run.id],
        );
        const pausedAt = rows[0]?.at ?? 0;
        // What had started goes on, and may come to its call a moment later.
        const started = told.filter(({ started_at }) => {
          const at = Date.parse(started_at ?? "");
          return at > pausedAt && at < resumed;
        });
        if (started.length > 0) lie("started while paused", { started });
        const late = told.filter(({ started_at }) => Date.parse(started_at ?? "") > pausedAt);
        if (late.some((step) => calls(step).some(({ at }) => at > verdict.at && at < resumed)))
          lie("called while paused", { late });
      }
      if (move.verb === "cancel" && verdict.applied && (status !== "canceled" || since(verdict.at) > 0))
        lie("went on though canceled");
    }
    expect(lies).toEqual([]);
  },
);

async function isOverOrResumed(run: WorkflowRun): Promise<boolean> {
  const { status } = await scenario.run(run);
  if (status === "paused") await scenario.steer(run, "resume");
  return isRunOver(status);
}

async function steered(run: WorkflowRun, { verb, step, byHand }: Move): Promise<Verdict | undefined> {
  if (verb === "none") return undefined;
  const on = scenario;
  const ref = verb === "pause" ? undefined : step;
  if (verb === "cancel") {
    const { status } = await stack.request("DELETE", `/v1/workflow-runs/${run.id}`);
    expect([200, 202, 400, 409]).toContain(status);
    return status === 202 ? undefined : { applied: status === 200, at: Date.now() };
  }
  if (!byHand) {
    const { status } = await on.steer(run, verb, ref);
    expect([200, 202, 400]).toContain(status);
    return status === 202 ? undefined : { applied: status === 200, at: Date.now() };
  }
  const id = randomUUID();
  const handle = stack.deps.temporal.workflow.getHandle(run.id);
  const sent = await handle.signal(commandSignals[verb], { id, actor: "ops", step_ref: ref }).then(
    () => true,
    () => false,
  );
  if (!sent) return undefined;
  return until(
    async () => {
      const { rows } = await stack.deps.db.query<{ outcome: string }>(
        "select outcome from run_commands where run_id = $1 and id = $2",
        [run.id, id],
      );
      return rows[0] && { applied: JSON.parse(rows[0].outcome).status === "applied", at: Date.now() };
    },
    { everyMs: 10 },
  );
}

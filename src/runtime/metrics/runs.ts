import { LRUCache } from "lru-cache";
import { Counter, Histogram, type Registry } from "prom-client";
import { Busiest } from "./busiest.ts";
import { mirrorWrites } from "../../topics.ts";
import type { MirrorRows, RunRow, StepRow } from "../../../workflows/engine/mirror/rows.ts";
import { isRunOver, isStepOver } from "../../../workflows/engine/transitions.ts";

const MOST_WORKFLOWS = 100;
const OTHERS = "other";
/** Rows are written again, by a write that is certain, or by a worker that has taken over: so many are remembered. */
const MOST_REMEMBERED = 20_000;
/** What began longer ago is known already, if not to this process. */
const NEWS_MS = 60_000;

const SECONDS = [0.01, 0.05, 0.1, 0.5, 1, 5, 30];
const LONG = [0.1, 1, 10, 60, 600, 3_600, 86_400];

/** Counts what the mirror writes. */
export function countRuns(registry: Registry): void {
  const registers = [registry];
  const ofWorkflow = ["project", "workflow"];
  const started = new Counter({
    name: "workflow_runs_runs_started_total",
    help: "Runs whose first step has begun",
    labelNames: ofWorkflow,
    registers,
  });
  const ended = new Counter({
    name: "workflow_runs_runs_ended_total",
    help: "Runs that have ended",
    labelNames: [...ofWorkflow, "status"],
    registers,
  });
  const steps = new Counter({
    name: "workflow_runs_steps_ended_total",
    help: "Steps that have ended",
    labelNames: [...ofWorkflow, "status"],
    registers,
  });
  const startDelay = new Histogram({
    name: "workflow_runs_run_start_delay_seconds",
    help: "From the trigger of a run until its first step has begun",
    buckets: SECONDS,
    registers,
  });
  const duration = new Histogram({
    name: "workflow_runs_run_duration_seconds",
    help: "From the trigger of a run to its end",
    labelNames: ["status"],
    buckets: LONG,
    registers,
  });
  const lag = new Histogram({
    name: "workflow_runs_mirror_lag_seconds",
    help: "From a change of a run until PostgreSQL has it",
    buckets: SECONDS,
    registers,
  });

  const busiest = new Busiest(MOST_WORKFLOWS, (key) => {
    const [project, workflow] = JSON.parse(key);
    for (const counter of [started, ended, steps]) void forget(counter, { project, workflow });
  });
  const labelsOf = ({ project_id: project, workflow_name: workflow }: RunRow) =>
    busiest.happens(JSON.stringify([project, workflow]))
      ? { project, workflow }
      : { project: OTHERS, workflow: OTHERS };

  const known = new LRUCache<string, number>({ max: MOST_REMEMBERED });
  const isNews = (key: string, revision = 0) => {
    if (known.get(key) === revision) return false;
    known.set(key, revision);
    return true;
  };
  /** A retried run keeps steps that ended before it. */
  const isOwnEnd = (run: RunRow, { status, finished_at }: StepRow) =>
    isStepOver(status) && (finished_at ?? run.created_at) >= run.created_at;

  function count({ run, steps: rows }: MirrorRows): void {
    const now = Date.now();
    lag.observe(Math.max(0, now - run.revision / 1_000) / 1_000);
    const { status, created_at, finished_at } = run;
    const began = beginning(run, rows);
    if (Number.isFinite(began) && now - began < NEWS_MS && isNews(`start ${run.id}`)) {
      started.inc(labelsOf(run));
      startDelay.observe((began - created_at) / 1_000);
    }
    for (const step of rows)
      if (isOwnEnd(run, step) && isNews(step.id, step.revision)) steps.inc({ ...labelsOf(run), status: step.status });
    // A write without a step is about a command that came after the end.
    if (!isRunOver(status) || rows.length === 0 || !isNews(`end ${run.id}`, finished_at)) return;
    ended.inc({ ...labelsOf(run), status });
    duration.observe({ status }, Math.max(0, (finished_at ?? now) - created_at) / 1_000);
  }
  mirrorWrites.subscribe((changes) => changes.forEach(count));
}

/** When the first of its steps began that wait for no other; of a retried run, the first one that it does not keep. */
function beginning({ created_at, retry_of_run_id }: RunRow, steps: StepRow[]): number {
  const isFirst = ({ deps_required, generation }: StepRow) =>
    generation === 0 && (deps_required === 0 || retry_of_run_id !== undefined);
  const times = steps.flatMap((step) => (isFirst(step) ? (step.started_at ?? []) : []));
  return Math.min(...times.filter((at) => at >= created_at));
}

async function forget(counter: Counter, of: { project: string; workflow: string }): Promise<void> {
  const { values } = await counter.get();
  for (const { labels } of values)
    if (labels.project === of.project && labels.workflow === of.workflow) counter.remove(labels);
}

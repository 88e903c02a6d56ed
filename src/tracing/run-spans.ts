import { type EndedSpan, type Value, userOf } from "./span.ts";
import { isAttempt } from "../../workflows/engine/mirror/attempts.ts";
import type { AttemptRow, JobRunRow, MirrorRows, RunRow, StepRow } from "../../workflows/engine/mirror/rows.ts";
import { attemptSpanId, jobRunSpanId, reopenedSpanId, runSpanId, stepSpanId } from "../../workflows/engine/ids.ts";
import type { RunTrace } from "../../workflows/engine/plan.ts";
import { isRunOver, isStepOver } from "../../workflows/engine/transitions.ts";

/** The spans of a run that a write of the mirror has ended, as they wait in the database: what all have is there once. */
export interface RunSpans {
  run_id: string;
  common: Pick<EndedSpan, "trace_id" | "state" | "attributes">;
  spans: MirroredSpan[];
}

/** Such a span, and the step and the attempt, as the step counts them, that tell whether an earlier write had ended it already. */
export interface MirroredSpan {
  span: Omit<EndedSpan, "trace_id" | "state" | "attributes"> & {
    attributes: Record<string, Value | undefined>;
    /** Of a run: what its span is where it had ended before and went on. */
    again?: Pick<EndedSpan, "span_id" | "parent_span_id" | "name">;
  };
  step_run_id?: string;
  attempt?: number;
}

type OwnSpan = MirroredSpan["span"];

/** The last attempt of a step's present life, or of one that it has left. */
type Life = Pick<StepRow, "attempt" | "status" | "cause" | "failure_class" | "started_at" | "finished_at"> & {
  step: StepRow;
};

/** The spans of all that is over in the rows of a run. Each once, whatever else is in them. What has no value is undefined: JSON drops it. */
export function runSpans(rows: MirrorRows): RunSpans | undefined {
  const { run, steps } = rows;
  const { trace, id: run_id } = run;
  if (!trace?.sampled) return undefined;
  const within = runSpanId(run_id);
  const found = [...stepSpans(rows, within), ...runSpan(run, steps, trace, within)];
  if (found.length === 0) return undefined;
  const common = { trace_id: trace.trace_id, state: trace.state, attributes: ofRun(run) };
  return { run_id, common, spans: [...new Map(found.map((each) => [each.span.span_id, each])).values()] };
}

/** A write of an ended run that carries no step is about a command that came after the end. */
function runSpan(run: RunRow, steps: StepRow[], trace: RunTrace, span_id: string): MirroredSpan[] {
  const { id, status, finished_at } = run;
  if (!isRunOver(status) || finished_at === undefined || steps.length === 0) return [];
  const name = `run ${run.workflow_name}`;
  const span: OwnSpan = {
    span_id,
    parent_span_id: trace.span_id,
    name,
    kind: "internal",
    started_at: run.created_at,
    ended_at: finished_at,
    attributes: {
      "error.type": FAILED.has(status) ? status : undefined,
      "workflow.run.status": status,
      "workflow.run.triggered_by": run.triggered_by,
      "workflow.run.retry_of": run.retry_of_run_id,
      ...userOf(run.retried_by ?? run.created_by),
    },
    links: trace.links,
    again: { span_id: reopenedSpanId(id, finished_at), parent_span_id: span_id, name: `${name} again` },
  };
  return [{ span }];
}

function stepSpans(rows: MirrorRows, within: string): MirroredSpan[] {
  const { run, steps, job_runs, attempts: left = [] } = rows;
  const stepOf = new Map(steps.map((step) => [step.id, step]));
  const found: MirroredSpan[] = [];
  for (const jobRun of job_runs) {
    const step = stepOf.get(jobRun.step_run_id);
    if (step) found.push(...jobRunSpans(rows, within, step, jobRun));
  }
  const lives: Life[] = [
    ...steps.map((step) => ({ ...step, step })),
    ...left.flatMap((life) => {
      const step = stepOf.get(life.step_run_id);
      return step ? [{ ...life, step }] : [];
    }),
  ];
  for (const life of lives) {
    const { step, attempt, finished_at } = life;
    if (isCalling(life) || !isStepOver(life.status) || finished_at === undefined) continue;
    if (!isAttempt(life) || isKept(run, life)) continue;
    const span = stepSpan(
      rows,
      within,
      life,
      stepSpanId(step.id, attempt),
      life.started_at ?? finished_at,
      finished_at,
    );
    found.push({ span, step_run_id: step.id, attempt });
  }
  return found;
}

const isCalling = (life: Life | AttemptRow): boolean => "job_run_id" in life && life.job_run_id !== undefined;

/** A retried run has steps that ended before it. */
const isKept = ({ created_at, retry_of_run_id }: RunRow, { finished_at, started_at }: Life): boolean =>
  retry_of_run_id !== undefined && finished_at === created_at && started_at === created_at;

/** Of the attempts that are over, and of the step where the job run is. */
function jobRunSpans(rows: MirrorRows, within: string, step: StepRow, jobRun: JobRunRow): MirroredSpan[] {
  const { id, started_at, finished_at } = jobRun;
  if (started_at === undefined) return [];
  const left = (rows.attempts ?? []).filter(({ job_run_id }) => job_run_id === id);
  const present = step.job_run_id === id ? presentAttempt(step) : undefined;
  const all: AttemptRow[] = [...left, ...(present ? [present] : [])];
  const last = Math.max(...all.map(({ attempt }) => attempt));
  if (!Number.isFinite(last)) return [];
  const span_id = jobRunSpanId(id);
  /** As the endpoint is told it. */
  const numberOf = (attempt: number) => jobRun.attempt - (last - attempt);
  const found: MirroredSpan[] = all.flatMap((each) => {
    if (each.started_at === undefined || each.finished_at === undefined) return [];
    const span = attemptSpan(span_id, step, jobRun, each, numberOf(each.attempt));
    return [{ span, step_run_id: step.id, attempt: each.attempt }];
  });
  const end = all.find(({ attempt }) => attempt === last);
  if (finished_at === undefined || !end) return found;
  const life = { ...end, step };
  const span = stepSpan(rows, within, life, span_id, started_at, finished_at);
  return [...found, { span, step_run_id: step.id, attempt: last }];
}

/** The row that the step's latest attempt would have if another followed it. */
const presentAttempt = (step: StepRow): AttemptRow => ({
  ...{ step_run_id: step.id, run_id: step.run_id, attempt: step.attempt, status: step.status, cause: step.cause },
  ...{ job_run_id: step.job_run_id, failure_class: step.failure_class, finished_at: step.finished_at },
  started_at: step.attempt_started_at ?? step.started_at,
});

function attemptSpan(
  parent_span_id: string,
  step: StepRow,
  { id, job_id }: JobRunRow,
  { status, failure_class, started_at = 0, finished_at = 0 }: AttemptRow,
  attempt: number,
): OwnSpan {
  return {
    span_id: attemptSpanId(id, attempt),
    parent_span_id,
    name: `attempt ${attempt}`,
    kind: "client",
    started_at,
    ended_at: Math.max(started_at, finished_at),
    attributes: {
      "error.type": status === "failed" ? (failure_class ?? status) : undefined,
      "http.request.method": "POST",
      "http.request.resend_count": attempt > 1 ? attempt - 1 : undefined,
      "workflow.step.ref": step.step_ref,
      "workflow.job.id": job_id,
      "workflow.job_run.id": id,
      "workflow.attempt": attempt,
      "workflow.attempt.status": status,
    },
  };
}

function stepSpan(
  { commands, approvals }: MirrorRows,
  parent_span_id: string,
  { step, status, cause, failure_class, attempt }: Life,
  span_id: string,
  started_at: number,
  finished_at: number,
): OwnSpan {
  const { step_ref } = step;
  const gate = approvals.find(({ step_run_id }) => step_run_id === step.id);
  const isPresent = gate?.attempt === undefined || gate.attempt === attempt;
  const votes = (isPresent ? gate?.votes : undefined) ?? [];
  const done = commands.filter((command) => command.step_ref === step_ref && command.status !== "refused");
  const isVote = (at: number, actor: string) => votes.some((vote) => vote.at === at && vote.actor === actor);
  const events = [
    ...votes.map(({ decision, at, actor }) => ({ name: decision as string, at, attributes: userOf(actor) })),
    ...done
      .filter(({ at, actor }) => at <= finished_at && !isVote(at, actor))
      .map(({ verb, at, actor }) => ({ name: verb as string, at, attributes: userOf(actor) })),
  ];
  const decider = cause === "operator" ? done.find(({ at }) => at === finished_at)?.actor : undefined;
  return {
    span_id,
    parent_span_id,
    name: `step ${step_ref}`,
    kind: "internal",
    started_at,
    ended_at: Math.max(started_at, finished_at),
    attributes: {
      "error.type": status === "failed" ? (failure_class ?? gate?.status ?? status) : undefined,
      "workflow.step.ref": step_ref,
      "workflow.step.run.id": step.id,
      "workflow.step.status": status,
      "workflow.step.cause": cause,
      "workflow.step.attempt": attempt,
      "workflow.step.child_run.id": step.child_run_id,
      ...userOf(decider ?? (isPresent ? gate?.approved_by : undefined)),
    },
    events: events.length > 0 ? events : undefined,
  };
}

const FAILED: ReadonlySet<string> = new Set(["failed", "timed_out"]);

const ofRun = ({ id, workflow_id, workflow_name, workflow_version, project_id }: RunRow) => ({
  "workflow.run.id": id,
  "workflow.id": workflow_id,
  "workflow.name": workflow_name,
  "workflow.version": workflow_version,
  "workflow.project": project_id,
});

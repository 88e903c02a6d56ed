import assert from "node:assert/strict";
import type { CommandOutcome } from "../../workflows/engine/command.ts";
import type {
  ApprovalRow,
  AttemptRow,
  JobRunRow,
  MirrorRows,
  RunRow,
  StepRow,
  TriggerRow,
} from "../../workflows/engine/mirror/rows.ts";
import type { DecisionRow } from "../../workflows/engine/reasons/reason.ts";
import type { Run } from "../../workflows/engine/run.ts";
import { isStepOver } from "../../workflows/engine/transitions.ts";
import { ownRows, runRow, stepRow } from "../../workflows/engine/mirror/view.ts";

type Row = RunRow | StepRow | ApprovalRow | TriggerRow | JobRunRow;

/** What Postgres holds of one run: of each row the newest revision (see src/store/mirror/write-mirror.ts). */
export class MirrorModel {
  readonly runs = new Map<string, RunRow>();
  readonly steps = new Map<string, StepRow>();
  readonly approvals = new Map<string, ApprovalRow>();
  readonly triggers = new Map<string, TriggerRow>();
  readonly jobRuns = new Map<string, JobRunRow>();
  readonly commands = new Map<string, CommandOutcome>();
  readonly attempts = new Map<string, AttemptRow>();
  /** By content. */
  readonly decisions = new Map<string, DecisionRow>();

  write(given: MirrorRows): void {
    const rows = plain(given);
    put(this.runs, [rows.run]);
    put(this.steps, rows.steps);
    put(this.approvals, rows.approvals);
    // Only the wait itself brings its row into waiting.
    put(
      this.triggers,
      rows.triggers,
      (row, held) => row.source !== "wait_for_event" || row.status !== "waiting" || held?.status === "waiting",
    );
    put(this.jobRuns, rows.job_runs);
    for (const row of rows.attempts ?? []) {
      const id = `${row.step_run_id}/${row.attempt}`;
      assert(isStepOver(row.status), "an attempt that another one follows has ended");
      const held = this.attempts.get(id);
      if (held) assert.deepEqual(row, held, "an attempt that was left never changes");
      this.attempts.set(id, row);
    }
    for (const decision of rows.decisions ?? []) this.decisions.set(JSON.stringify(decision), decision);
    for (const command of rows.commands) if (!this.commands.has(command.id)) this.commands.set(command.id, command);
  }

  /** An event's wait claims its key. */
  claim(row: TriggerRow): void {
    const held = this.triggers.get(row.id);
    if (!held || held.revision < row.revision) this.triggers.set(row.id, plain(row));
  }

  /** Holds what is stored against what the run shows, once everything was written. */
  assertShows(run: Run, jobRunsOf: (i: number) => boolean): void {
    assert.deepEqual([...this.runs.values()], [plain(runRow(run))]);
    const current = { approvals: new Set<string>(), triggers: new Set<string>(), jobRuns: new Set<string>() };
    for (const [i, { revision, job_run_id }] of run.state.steps.entries()) {
      const step = plain(stepRow(run, i));
      if (revision > 0) assert.deepEqual(this.steps.get(step.id), step);
      else assert(!this.steps.has(step.id));
      for (let attempt = 1; attempt < step.attempt; attempt++)
        assert(this.attempts.has(`${step.id}/${attempt}`), "every earlier attempt is kept");
      const { approval, trigger, jobRun } = ownRows(run, i);
      if (approval) assertStored(this.approvals, approval, current.approvals);
      if (trigger) assertStored(this.triggers, trigger, current.triggers);
      if (jobRun && jobRunsOf(i)) assertStored(this.jobRuns, jobRun, current.jobRuns);
      if (job_run_id) assert.equal(this.jobRuns.get(job_run_id)?.status === "executing", !isStepOver(step.status));
      if (job_run_id) current.jobRuns.add(job_run_id);
    }
    for (const [id, { status }] of this.approvals)
      if (!current.approvals.has(id)) assert.notEqual(status, "pending", id);
    for (const [id, { status }] of this.triggers) if (!current.triggers.has(id)) assert.notEqual(status, "waiting", id);
    for (const [id, { status }] of this.jobRuns) if (!current.jobRuns.has(id)) assert.notEqual(status, "executing", id);
    assert.deepEqual(new Set(this.commands.keys()), new Set(run.outcomes.keys()));
  }
}

function put<R extends Row>(
  stored: Map<string, R>,
  rows: R[],
  where: (row: R, held: R | undefined) => boolean = () => true,
): void {
  assert.equal(new Set(rows.map(({ id }) => id)).size, rows.length, "one write carries a row once");
  for (const row of rows) {
    const held = stored.get(row.id);
    if (held && held.revision === row.revision)
      assert.deepEqual(withoutKey(held), withoutKey(row), "one revision, one row");
    else if (where(row, held) && (!held || held.revision < row.revision)) stored.set(row.id, row);
  }
}

// The mirror never changes a trigger's key; only a claim does.
const withoutKey = <R extends Row>(row: R): Omit<R, "event_key"> => ({ ...row, event_key: undefined });

function assertStored<R extends ApprovalRow | TriggerRow | JobRunRow>(
  stored: Map<string, R>,
  row: R,
  current: Set<string>,
): void {
  // Its revision may be older: a step whose counter changed gets a new one, what belongs to it doesn't.
  const { revision, ...rest } = plain(row);
  const { revision: storedRevision, ...storedRest } = stored.get(row.id) ?? { revision: -1 };
  assert(storedRevision <= revision);
  assert.deepEqual(storedRest, rest);
  current.add(row.id);
}

/** As it arrives: members that are undefined are gone. */
export const plain = <T>(value: T): T => JSON.parse(JSON.stringify(value)) as T;

import { ApplicationFailure, Context } from "@temporalio/activity";
import type { InjectedSinks } from "@temporalio/worker";
import type { Journal } from "./calls/journal.ts";
import { logEnd, logSteps } from "./run-log.ts";
import { within } from "../src/time/deadline.ts";
import { mirrorRows } from "../src/commands/mirror-rows.ts";
import type { Deps } from "../src/deps.ts";
import { mirrorWrites } from "../src/topics.ts";
import type { Activities } from "../workflows/activity-types.ts";
import type { Heard, TaskState } from "../workflows/journal-types.ts";
import type { MirrorRows } from "../workflows/engine/mirror/rows.ts";
import type { RunSinks } from "../workflows/messages.ts";
import { QUICK_WRITE_MS } from "../workflows/timing.ts";

/** Runs of one statement: enough that its own cost no longer counts. */
const MOST_RUNS = 100;
/** What nobody waits for is written this long after the last write at the earliest: fewer statements carry the same. */
const BEST_EFFORT_PAUSE_MS = 100;

interface Write {
  rows: MirrorRows;
  done: () => void;
  failed: (error: unknown) => void;
}

/** Writes what runs changed. One write at a time, of all the runs that asked for one during the last. */
export class MirrorWriter {
  readonly #deps: Pick<Deps, "db" | "log">;
  readonly #journal: Journal;
  #waiting: Write[] = [];
  /** Nobody waits for these. */
  #bestEffort: Write[] = [];
  #writing = false;
  #lastWrite = 0;
  /** Ends the rest between two writes. */
  #awake = () => {};

  constructor(deps: Pick<Deps, "db" | "log">, journal: Journal) {
    this.#deps = deps;
    this.#journal = journal;
  }

  /** How many writes wait for their turn. */
  get waiting(): number {
    return this.#waiting.length + this.#bestEffort.length;
  }

  /** At once. The rows carry all that best-effort writes of the run have carried. */
  write(rows: MirrorRows, heard?: Heard & TaskState): Promise<void> {
    if (heard) {
      const { execution, length, began, news } = heard;
      const task = { name: `end/${execution}/${length}`, execution, task: length };
      this.#journal.note({ ...task, run_id: rows.run.id, played: { began, news } });
    }
    this.#bestEffort = this.#bestEffort.filter((write) => write.rows.run.id !== rows.run.id);
    return new Promise<void>((done, failed) => this.#writeSoon({ rows, done, failed }));
  }

  /** In a moment, unless somebody waits for what became of a command. */
  writeBestEffort(rows: MirrorRows, failed: Write["failed"]): void {
    const write = { rows, done: () => {}, failed };
    if (rows.commands.length > 0) this.#writeSoon(write);
    else {
      this.#bestEffort.push(write);
      void this.#writeAll();
    }
  }

  #writeSoon(write: Write): void {
    this.#waiting.push(write);
    this.#awake();
    void this.#writeAll();
  }

  async #writeAll(): Promise<void> {
    if (this.#writing) return;
    this.#writing = true;
    for (;;) {
      if (this.#waiting.length === 0) await this.#rest();
      const batch = firstOfEachRun([...this.#waiting, ...this.#bestEffort]).slice(0, MOST_RUNS);
      if (batch.length === 0) break;
      const isLeft = (write: Write) => !batch.includes(write);
      this.#waiting = this.#waiting.filter(isLeft);
      this.#bestEffort = this.#bestEffort.filter(isLeft);
      await this.#write(batch).catch(() => Promise.all(batch.map((write) => this.#writeAlone(write))));
      this.#lastWrite = performance.now();
    }
    this.#writing = false;
  }

  async #rest(): Promise<void> {
    const ms = this.#lastWrite + BEST_EFFORT_PAUSE_MS - performance.now();
    if (ms <= 0 || this.#bestEffort.length === 0) return;
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, ms);
      this.#awake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  async #write(batch: Write[]): Promise<void> {
    // An end that is shown stays, though the workflow task in which it came about may be lost: it can be repeated.
    await this.#journal.settled();
    const changes = batch.map(({ rows }) => rows);
    await mirrorRows(this.#deps, changes);
    for (const { done } of batch) done();
    mirrorWrites.publish(changes);
  }

  /** What is wrong with one run is not to hold up the others. */
  #writeAlone(write: Write): Promise<void> {
    return this.#write([write]).catch(write.failed);
  }
}

export const mirror =
  (writer: MirrorWriter, log: Deps["log"]): Activities["mirror"] =>
  async (rows, heard) => {
    const written = writer.write(rows, heard);
    await (Context.current().info.isLocal ? within(QUICK_WRITE_MS, written, takesLonger) : written);
    logSteps(log, rows);
    logEnd(log, rows);
  };

/** For runs that do not wait for it. */
export const bestEffortMirror = (writer: MirrorWriter, log: Deps["log"]): InjectedSinks<RunSinks> => ({
  bestEffortMirror: {
    write: {
      fn: (_, rows) => {
        logSteps(log, rows);
        writer.writeBestEffort(rows, (err) => log.warn({ err, run: rows.run.id }, "mirror is behind"));
      },
    },
  },
});

const takesLonger = () => ApplicationFailure.nonRetryable("not written in a moment", "TakesLonger");

/** A statement changes no row twice. */
function firstOfEachRun(writes: Write[]): Write[] {
  const byRun = new Map<string, Write>();
  for (const write of writes) if (!byRun.has(write.rows.run.id)) byRun.set(write.rows.run.id, write);
  return [...byRun.values()];
}

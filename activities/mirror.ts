import { ApplicationFailure, Context } from "@temporalio/activity";
import type { InjectedSinks } from "@temporalio/worker";
import type { Journal } from "./calls/journal.ts";
import { logEnd, logSteps } from "./run-log.ts";
import { within } from "../src/timing/deadline.ts";
import type { Deps } from "../src/deps.ts";
import { writeMirror } from "../src/store/mirror/write-mirror.ts";
import type { Activities, Heard, TaskState } from "../workflows/activity-types.ts";
import type { MirrorRows } from "../workflows/engine/mirror/rows.ts";
import type { Passing } from "../workflows/messages.ts";

/** Runs of one statement: enough that its own cost no longer counts. */
const MOST_RUNS = 100;
/** A local activity holds its workflow task: it leaves a write that takes longer to an ordinary one. */
const QUICK_MS = 500;

/** What nobody waits for is written this long after the last write at the earliest: fewer statements carry the same. */
const PASSING_MS = 100;

interface Write {
  rows: MirrorRows;
  done: () => void;
  failed: (error: unknown) => void;
}

/** Writes what runs changed. One write at a time, of all the runs that asked for one during the last. */
export class MirrorWriter {
  readonly #db: Deps["db"];
  readonly #journal: Journal;
  #waiting: Write[] = [];
  #passing: Write[] = [];
  #writing = false;
  #lastWrite = 0;
  /** Ends the rest between two writes. */
  #awake = () => {};

  constructor(db: Deps["db"], journal: Journal) {
    this.#db = db;
    this.#journal = journal;
  }

  /** At once. The rows carry all that the run has told in passing. */
  write(rows: MirrorRows, heard?: Heard & TaskState): Promise<void> {
    if (heard) {
      const { execution, length, began, news } = heard;
      const task = { name: `end/${execution}/${length}`, execution, task: length };
      this.#journal.note({ ...task, run_id: rows.run.id, played: { began, news } });
    }
    this.#passing = this.#passing.filter((asked) => asked.rows.run.id !== rows.run.id);
    return new Promise<void>((done, failed) => this.#askAtOnce({ rows, done, failed }));
  }

  /** In a moment, unless somebody waits for what became of a command. */
  writeInPassing(rows: MirrorRows, failed: Write["failed"]): void {
    const asked = { rows, done: () => {}, failed };
    if (rows.commands.length > 0) this.#askAtOnce(asked);
    else {
      this.#passing.push(asked);
      void this.#writeAll();
    }
  }

  #askAtOnce(asked: Write): void {
    this.#waiting.push(asked);
    this.#awake();
    void this.#writeAll();
  }

  async #writeAll(): Promise<void> {
    if (this.#writing) return;
    this.#writing = true;
    for (;;) {
      if (this.#waiting.length === 0) await this.#rest();
      const batch = firstOfEachRun([...this.#waiting, ...this.#passing]).slice(0, MOST_RUNS);
      if (batch.length === 0) break;
      const isLeft = (asked: Write) => !batch.includes(asked);
      this.#waiting = this.#waiting.filter(isLeft);
      this.#passing = this.#passing.filter(isLeft);
      await this.#write(batch).catch(() => Promise.all(batch.map((asked) => this.#writeAlone(asked))));
      this.#lastWrite = performance.now();
    }
    this.#writing = false;
  }

  async #rest(): Promise<void> {
    const ms = this.#lastWrite + PASSING_MS - performance.now();
    if (ms <= 0 || this.#passing.length === 0) return;
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
    await writeMirror(
      this.#db,
      batch.map((asked) => asked.rows),
    );
    for (const { done } of batch) done();
  }

  /** What is wrong with one run is not to hold up the others. */
  #writeAlone(asked: Write): Promise<void> {
    return this.#write([asked]).catch(asked.failed);
  }
}

export const mirror =
  (writer: MirrorWriter, log: Deps["log"]): Activities["mirror"] =>
  async (rows, heard) => {
    const written = writer.write(rows, heard);
    await (Context.current().info.isLocal ? within(QUICK_MS, written, takesLonger) : written);
    logSteps(log, rows);
    logEnd(log, rows);
  };

/** For runs that do not wait for it. */
export const mirrorInPassing = (writer: MirrorWriter, log: Deps["log"]): InjectedSinks<Passing> => ({
  passing: {
    mirror: {
      fn: (_, rows) => {
        logSteps(log, rows);
        writer.writeInPassing(rows, (err) => log.warn({ err, run: rows.run.id }, "mirror is behind"));
      },
    },
  },
});

const takesLonger = () => ApplicationFailure.nonRetryable("not written in a moment", "TakesLonger");

/** A statement changes no row twice. */
function firstOfEachRun(asked: Write[]): Write[] {
  const byRun = new Map<string, Write>();
  for (const one of asked) if (!byRun.has(one.rows.run.id)) byRun.set(one.rows.run.id, one);
  return [...byRun.values()];
}

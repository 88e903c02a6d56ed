import { ApplicationFailure, Context } from "@temporalio/activity";
import type { InjectedSinks } from "@temporalio/worker";
import type { Deps } from "../src/deps.ts";
import { writeMirror } from "../src/store/mirror.ts";
import type { MirrorRows } from "../workflows/engine/rows.ts";
import type { Passing } from "../workflows/messages.ts";
import type { Activities } from "./index.ts";

/** Runs of one statement: enough that its own cost no longer counts. */
const MOST_RUNS = 100;
/** A local activity holds its workflow task: it leaves a write that takes longer to an ordinary one. */
const QUICK_MS = 500;

interface Asked {
  rows: MirrorRows;
  done: () => void;
  failed: (error: unknown) => void;
}

/** Writes what runs changed. One write at a time, of all the runs that asked for one during the last. */
export class MirrorWriter {
  readonly #db: Deps["db"];
  #waiting: Asked[] = [];
  #writing = false;

  constructor(db: Deps["db"]) {
    this.#db = db;
  }

  write(rows: MirrorRows): Promise<void> {
    return new Promise<void>((done, failed) => {
      this.#waiting.push({ rows, done, failed });
      if (!this.#writing) void this.#writeAll();
    });
  }

  async #writeAll(): Promise<void> {
    this.#writing = true;
    while (this.#waiting.length > 0) {
      const batch = firstOfEachRun(this.#waiting).slice(0, MOST_RUNS);
      this.#waiting = this.#waiting.filter((asked) => !batch.includes(asked));
      await this.#write(batch).catch(() => Promise.all(batch.map((asked) => this.#writeAlone(asked))));
    }
    this.#writing = false;
  }

  async #write(batch: Asked[]): Promise<void> {
    await writeMirror(
      this.#db,
      batch.map((asked) => asked.rows),
    );
    for (const { done } of batch) done();
  }

  /** What is wrong with one run is not to hold up the others. */
  #writeAlone(asked: Asked): Promise<void> {
    return this.#write([asked]).catch(asked.failed);
  }
}

export const mirror =
  (writer: MirrorWriter): Activities["mirror"] =>
  (rows) =>
    Context.current().info.isLocal ? quickly(writer.write(rows)) : writer.write(rows);

/** For runs that do not wait for it. */
export const mirrorInPassing = (writer: MirrorWriter, log: Deps["log"]): InjectedSinks<Passing> => ({
  passing: {
    mirror: {
      fn: (_, rows) => {
        writer.write(rows).catch((err) => log.warn({ err, runId: rows.run.id }, "mirror is behind"));
      },
    },
  },
});

async function quickly(written: Promise<void>): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const tooLong = new Promise<never>((_, reject) => {
    const late = () => reject(ApplicationFailure.nonRetryable("not written in a moment", "TakesLonger"));
    timer = setTimeout(late, QUICK_MS);
  });
  return Promise.race([written, tooLong]).finally(() => clearTimeout(timer));
}

/** A statement changes no row twice. */
function firstOfEachRun(asked: Asked[]): Asked[] {
  const byRun = new Map<string, Asked>();
  for (const one of asked) if (!byRun.has(one.rows.run.id)) byRun.set(one.rows.run.id, one);
  return [...byRun.values()];
}

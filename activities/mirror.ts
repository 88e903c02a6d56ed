import { setTimeout as pauseFor } from "node:timers/promises";
import { ApplicationFailure, Context } from "@temporalio/activity";
import type { Deps } from "../src/deps.ts";
import { writeMirror } from "../src/store/mirror.ts";
import type { MirrorRows } from "../workflows/engine/rows.ts";
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

/** One write at a time, of all the runs that asked for one during the last. */
export function mirror({ db }: Deps): Activities["mirror"] {
  let waiting: Asked[] = [];
  let writing = false;

  async function writeAll(): Promise<void> {
    writing = true;
    while (waiting.length > 0) {
      const batch = firstOfEachRun(waiting).slice(0, MOST_RUNS);
      waiting = waiting.filter((asked) => !batch.includes(asked));
      await write(batch).catch(() => Promise.all(batch.map(writeAlone)));
    }
    writing = false;
  }

  async function write(batch: Asked[]): Promise<void> {
    const rows = batch.map((asked) => asked.rows);
    await writeMirror(db, rows);
    for (const { done } of batch) done();
  }

  /** What is wrong with one run is not to hold up the others. */
  const writeAlone = (asked: Asked) => write([asked]).catch(asked.failed);

  const written = (rows: MirrorRows) =>
    new Promise<void>((done, failed) => {
      waiting.push({ rows, done, failed });
      if (!writing) void writeAll();
    });
  return (rows) => (Context.current().info.isLocal ? quickly(written(rows)) : written(rows));
}

async function quickly(written: Promise<void>): Promise<void> {
  const enough = new AbortController();
  const tooLong = pauseFor(QUICK_MS, undefined, { signal: enough.signal }).then(() => {
    throw ApplicationFailure.nonRetryable("not written in a moment", "TakesLonger");
  });
  return Promise.race([written, tooLong]).finally(() => enough.abort());
}

/** A statement changes no row twice. */
function firstOfEachRun(asked: Asked[]): Asked[] {
  const byRun = new Map<string, Asked>();
  for (const one of asked) if (!byRun.has(one.rows.run.id)) byRun.set(one.rows.run.id, one);
  return [...byRun.values()];
}

import { setImmediate, setTimeout as pauseFor } from "node:timers/promises";
import { v7 } from "uuid";
import type { Deps } from "../../src/deps.ts";
import { forgetJournal, insertJournal, type JournalRow } from "../../src/store/call-journal.ts";

const LONGEST_PAUSE_MS = 2_000;
/** A run that was shown as over this long ago has long been closed in Temporal, or no worker was there to forget anything. */
const KEPT_MS = 24 * 3_600_000;
const MOST_AT_ONCE = 1_000;

/**
 * Writes down, as it happens, what Temporal's history does not hold yet: whoever makes the same workflow task again after
 * this one was lost asks for it before it calls an endpoint. One write at a time, of all that came during the last one.
 */
export class Journal {
  readonly #deps: Pick<Deps, "db" | "log">;
  #pending = new Map<string, JournalRow>();
  #writing: Promise<void> = Promise.resolve();
  #next: Promise<void> | undefined;

  constructor(deps: Pick<Deps, "db" | "log">) {
    this.#deps = deps;
  }

  /** Returns at once. A row noted again before it is written replaces the former one. */
  note(row: JournalRow): void {
    this.#pending.set(`${row.run_id}/${row.name}`, row);
    this.#next ??= this.#writePending();
  }

  /** Resolves once all that was noted until now is stored, however long Postgres is away. */
  settled(): Promise<void> {
    return this.#next ?? this.#writing;
  }

  /** Forgets what is left of runs that are over: to be called now and then. */
  async forget(now = Date.now()): Promise<void> {
    const before = v7({ msecs: now - KEPT_MS, random: new Uint8Array(16) });
    while ((await forgetJournal(this.#deps.db, before, MOST_AT_ONCE)) === MOST_AT_ONCE) await pauseFor(100);
  }

  async #writePending(): Promise<void> {
    await this.#writing;
    // What else happens in the same moment goes along.
    await setImmediate();
    const rows = [...this.#pending.values()];
    this.#pending.clear();
    this.#writing = this.#next ?? Promise.resolve();
    this.#next = undefined;
    for (let pause = 50; ; pause = Math.min(pause * 2, LONGEST_PAUSE_MS)) {
      try {
        return await insertJournal(this.#deps.db, rows);
      } catch (err) {
        this.#deps.log.warn({ err, rows: rows.length }, "journal is behind");
        await pauseFor(pause);
      }
    }
  }
}

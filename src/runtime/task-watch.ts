const LOOKS_EVERY_MS = 1_000;
/** Three times as long as Temporal waits for a workflow task: what is computed for so long has been given up. */
const STUCK_AFTER_LOOKS = 30;

/** A workflow of Temporal's in a thread of this process. `definition`: whose run it is, as its search attribute says. */
export interface Computing {
  runId: string;
  definition: string | undefined;
}

export class StuckError extends Error {
  readonly of: Computing;

  constructor(of: Computing) {
    const secs = (STUCK_AFTER_LOOKS * LOOKS_EVERY_MS) / 1000;
    super(
      `run ${of.runId} has kept a thread busy for ${secs} s, which ends with this process: it is to be started again`,
    );
    this.of = of;
  }
}

/**
 * Sees when a workflow does not give its thread back. Nothing can be done about it from outside but to end the process: the
 * thread, and each run that it holds, is lost. Looks are counted instead of time, which also goes by while the process does
 * not run.
 */
export class TaskWatch {
  readonly #going = new Set<{ of: Computing; looks: number }>();
  /** Rejects when a workflow is stuck. */
  readonly stuck: Promise<never>;

  constructor() {
    this.stuck = new Promise((_, reject) => {
      const looking = setInterval(() => {
        for (const task of this.#going) {
          if (++task.looks < STUCK_AFTER_LOOKS) continue;
          clearInterval(looking);
          reject(new StuckError(task.of));
        }
      }, LOOKS_EVERY_MS).unref();
    });
    this.stuck.catch(() => {});
  }

  async during<Result>(of: Computing, computing: Promise<Result>): Promise<Result> {
    const task = { of, looks: 0 };
    this.#going.add(task);
    try {
      return await computing;
    } finally {
      this.#going.delete(task);
    }
  }
}

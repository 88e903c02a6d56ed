const LOOKS_EVERY_MS = 1_000;
/** Three times as long as Temporal waits for a workflow task: nobody waits for it any more. */
const STUCK_AFTER_LOOKS = 30;

/** A workflow that a thread of this process computes. `definition` is the workflow definition, from its search attribute. */
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
 * Notices a workflow that does not give its thread back. The only remedy is to end the process: the thread and every run in it are
 * lost. Looks are counted, and not time, which also passes while the process is suspended.
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

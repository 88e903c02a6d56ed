const LOOKS_EVERY_MS = 1_000;
/** Three times as long as Temporal waits for a workflow task: what is computed for so long has been given up. */
const STUCK_AFTER_LOOKS = 30;

type Task = { workflowId: string; looks: number };

interface Workflow {
  activate(...args: never[]): Promise<unknown>;
}

interface WorkflowCreator {
  createWorkflow(options: { info: { workflowId: string } }): Promise<Workflow>;
}

/**
 * Sees when a workflow does not give its thread back. Nothing can be done about it from outside but to end the process: the
 * thread, and each run that it holds, is lost. Looks are counted instead of time, which also goes by while the process does
 * not run.
 */
export class TaskWatch {
  readonly #going = new Set<Task>();
  /** Rejects when a workflow is stuck. */
  readonly stuck: Promise<never>;

  constructor() {
    this.stuck = new Promise((_, reject) => {
      const looking = setInterval(() => {
        for (const task of this.#going) {
          if (++task.looks < STUCK_AFTER_LOOKS) continue;
          clearInterval(looking);
          const secs = (STUCK_AFTER_LOOKS * LOOKS_EVERY_MS) / 1000;
          reject(
            new Error(`run ${task.workflowId} has kept a thread busy for ${secs} s: this worker has to start anew`),
          );
        }
      }, LOOKS_EVERY_MS).unref();
    });
    this.stuck.catch(() => {});
  }

  watch(creator: WorkflowCreator): void {
    const create = creator.createWorkflow.bind(creator);
    creator.createWorkflow = async (options) => {
      const { workflowId } = options.info;
      const workflow = await this.#during(workflowId, create(options));
      const activate = workflow.activate.bind(workflow);
      workflow.activate = (...args) => this.#during(workflowId, activate(...args));
      return workflow;
    };
  }

  async #during<Result>(workflowId: string, computing: Promise<Result>): Promise<Result> {
    const task = { workflowId, looks: 0 };
    this.#going.add(task);
    try {
      return await computing;
    } finally {
      this.#going.delete(task);
    }
  }
}

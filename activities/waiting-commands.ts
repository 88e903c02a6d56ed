import { EventEmitter, once } from "node:events";
import type { Notices } from "../src/store/notices.ts";

/** A run hears a command within this time, if it can be heard at all. */
const KEPT_MS = 2_000;

/** The last command to each run, as the API tells of it: it waits on the server for as long as a local activity holds the run's workflow task. */
export class WaitingCommands {
  readonly #last = new Map<string, string>();
  readonly #told = new EventEmitter().setMaxListeners(0);

  constructor(notices: Notices) {
    notices.onCommand((runId, commandId) => {
      this.#last.set(runId, commandId);
      this.#told.emit(runId);
      setTimeout(() => {
        if (this.#last.get(runId) === commandId) this.#last.delete(runId);
      }, KEPT_MS).unref();
    });
  }

  /** `heard`: the last command that the run knows of. */
  has(runId: string, heard: string | undefined): boolean {
    const last = this.#last.get(runId);
    return last !== undefined && last !== heard;
  }

  /** Resolves at the next command that the run has not heard; rejects when `signal` comes first. */
  async next(runId: string, heard: string | undefined, signal: AbortSignal): Promise<void> {
    while (!this.has(runId, heard)) await once(this.#told, runId, { signal });
  }
}

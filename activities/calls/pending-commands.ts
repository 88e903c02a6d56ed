import { EventEmitter, once } from "node:events";
import type { Notices } from "../../src/store/notices.ts";

/** A run hears a command within this time, if it can be heard at all. */
const KEPT_MS = 2_000;

/** Commands of which the API told a moment ago: they wait on the server for as long as a local activity holds their run's workflow task. */
export class WaitingCommands {
  readonly #commands = new Map<string, Set<string>>();
  readonly #arrivals = new EventEmitter().setMaxListeners(0);

  constructor(notices: Pick<Notices, "onCommand">) {
    notices.onCommand((runId, commandId) => {
      const commands = this.#commands.get(runId) ?? new Set();
      this.#commands.set(runId, commands.add(commandId));
      this.#arrivals.emit(runId);
      setTimeout(() => {
        commands.delete(commandId);
        if (commands.size === 0 && this.#commands.get(runId) === commands) this.#commands.delete(runId);
      }, KEPT_MS).unref();
    });
  }

  /** `acknowledged`: those that the run has heard lately. Notices need not come in the order of the commands. */
  has(runId: string, acknowledged: string[]): boolean {
    for (const command of this.#commands.get(runId) ?? []) if (!acknowledged.includes(command)) return true;
    return false;
  }

  /** Resolves at the next command that the run has not heard; rejects when `signal` comes first. */
  async next(runId: string, acknowledged: string[], signal: AbortSignal): Promise<void> {
    while (!this.has(runId, acknowledged)) await once(this.#arrivals, runId, { signal });
  }
}

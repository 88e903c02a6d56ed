import { EventEmitter, once } from "node:events";
import type { Notifications } from "../../src/store/postgres/notifications.ts";
import { COMMAND_KEPT_MS } from "../../workflows/timing.ts";

/** Commands that the API has announced a moment ago: they wait on the server for as long as a local activity holds their run's workflow task. */
export class WaitingCommands {
  readonly #commands = new Map<string, Set<string>>();
  readonly #arrivals = new EventEmitter().setMaxListeners(0);

  constructor(notices: Pick<Notifications, "onCommand">) {
    notices.onCommand((runId, commandId) => {
      const commands = this.#commands.get(runId) ?? new Set();
      this.#commands.set(runId, commands.add(commandId));
      this.#arrivals.emit(runId);
      setTimeout(() => {
        commands.delete(commandId);
        if (commands.size === 0 && this.#commands.get(runId) === commands) this.#commands.delete(runId);
      }, COMMAND_KEPT_MS).unref();
    });
  }

  /** `acknowledged`: those that the run has heard lately. Notifications need not come in the order of the commands. */
  has(runId: string, acknowledged: string[]): boolean {
    for (const command of this.#commands.get(runId) ?? []) if (!acknowledged.includes(command)) return true;
    return false;
  }

  /** Resolves at the next command that the run has not heard; rejects when `signal` comes first. */
  async next(runId: string, acknowledged: string[], signal: AbortSignal): Promise<void> {
    while (!this.has(runId, acknowledged)) await once(this.#arrivals, runId, { signal });
  }
}

import type { Journal } from "./journal.ts";
import { callName } from "./outcome.ts";
import type { CallOutcome, PlayInput, TimedAttemptEvent } from "../../workflows/activity-types.ts";
import type { Attempt } from "../../workflows/attempt-input.ts";

/** What a play writes down as it happens: whoever makes its workflow task again begins with what it had heard, and goes on as it did. */
export class PlayJournal {
  readonly #journal: Pick<Journal, "note">;
  readonly #input: PlayInput;

  constructor(journal: Pick<Journal, "note">, input: PlayInput) {
    this.#journal = journal;
    this.#input = input;
  }

  begin(): void {
    const { run, now, task } = this.#input;
    if (!task) return;
    const { execution, length, news } = task;
    this.#journal.note({
      ...{ run_id: run.id, name: `play/${execution}/${length}`, execution, task: length },
      played: { began: now, news },
    });
  }

  end({ step, input }: Attempt, outcome: CallOutcome, event: TimedAttemptEvent, follows: boolean): void {
    const { run, numbers, task } = this.#input;
    if (!task) return;
    const { generation, attempt, at } = event;
    this.#journal.note({
      ...{ run_id: run.id, name: callName(input), execution: task.execution, task: task.length, outcome },
      played: {
        ...{ step: numbers[step] as number, generation, attempt, at, follows },
        ...("random" in event && { random: event.random }),
      },
    });
  }
}

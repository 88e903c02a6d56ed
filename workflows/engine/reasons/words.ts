import { rfc3339 } from "../time.ts";
import type { Derived } from "./reason.ts";

/** A reason as a sentence. */
export function wordsOf(reason: Derived): string {
  switch (reason.reason) {
    case "dependencies":
      return `${reason.done} of ${reason.required} done: waits for ${named(reason.waits_for)}`;
    case "paused":
      return `the run is paused${by(reason.by)}`;
    case "run_paused":
      return `the run is paused${by(reason.by)}${reason.comment ? `: ${reason.comment}` : ""}`;
    case "max_parallel_steps":
      return `limit max_parallel_steps ${reason.limit}/${reason.limit}`;
    case "concurrency_key":
      return `another step holds the concurrency_key ${reason.concurrency_key}`;
    case "resource_class":
      return `limit ${reason.resource_class} ${reason.limit}/${reason.limit}`;
    case "values":
      return "looks up what its condition asks for";
    case "approval":
      return `${progress(reason)}approval of ${reason.approvers.length > 0 ? listed(reason.approvers) : "anyone"}${escalated(reason.level)}${until(reason.until)}`;
    case "event":
      return reason.event_key === undefined
        ? "registers its event"
        : `waits for event ${reason.event_key}${until(reason.until)}`;
    case "sleep":
      return `sleeps${until(reason.until)}`;
    case "retry": {
      const most = reason.max_attempts === undefined ? "" : ` of ${reason.max_attempts}`;
      return `retry ${reason.attempt}${most} at ${rfc3339(reason.at)}`;
    }
    case "condition":
      return `condition is false: ${reason.tests.map(({ test, held }) => `${test} is ${held}`).join("; ")}`;
    case "skip":
    case "force-complete": {
      const done = reason.reason === "skip" ? "skipped" : "force-completed";
      return `${done} by ${reason.by}${reason.comment ? `: ${reason.comment}` : ""}`;
    }
    case "not_taken_up":
      return "no worker has taken up the run yet";
    case "dependency":
      return `cannot run after ${named([reason.step_ref])}, which is ${reason.status}`;
    case "disabled":
      return `disabled${by(reason.by)} in the trigger's step_overrides`;
    case "run_over": {
      const why = reason.error || reason.comment;
      return `the run ended as ${reason.status}${by(reason.by)}${why ? `: ${why}` : ""}`;
    }
  }
}

const progress = ({ approved = 0, required }: { approved?: number; required?: number }): string =>
  required === undefined ? "" : `${approved} of ${required} approved: `;

/** With a comma before it. */
export const escalated = (level: number | undefined): string =>
  level === undefined ? "" : `, escalated ${times(level)}`;
const times = (count: number): string => (count === 1 ? "once" : `${count} times`);

const MOST_NAMED = 5;

const named = (refs: string[]): string => listed(refs.map((ref) => `\`${ref}\``));

/** With the first of them named. */
export function listed(names: string[]): string {
  const more = names.length - MOST_NAMED;
  return names.slice(0, MOST_NAMED).join(", ") + (more > 0 ? ` and ${more} more` : "");
}

const by = (actor: string | undefined): string => (actor === undefined ? "" : ` by ${actor}`);
const until = (at: number | undefined): string => (at === undefined ? "" : ` until ${rfc3339(at)}`);

import type { AttemptEvent } from "./engine/events.ts";

// What the journal keeps of workflow tasks: whoever makes one again, after a try that was lost, goes on as that one did.

/** A workflow task, and how much of what came with it the run has heard. */
export interface TaskState {
  /** Temporal's id of the run's execution. */
  execution: string;
  /** Of its history, in events, when the task began: less than in every later task. */
  length: number;
  news: InboundCount;
}

/** How much of what came with a workflow task the run had heard: a task that is made again begins with the same. */
export interface InboundCount {
  signals: number;
  /** Timers, ends of activities, a cancellation. */
  others: number;
  /** The name of each, as they were heard. Absent in journals from before it was noted. */
  events?: string[];
}

/** In the journal: that a workflow task went on at that time, having heard so much. */
export interface Heard {
  began: number;
  news: InboundCount;
}

/** What a workflow task did, in the journal: that it went on; or that a play heard the end of an attempt. */
export type JournaledPlay =
  | Heard
  | {
      /** In the run. */
      step: number;
      generation: number;
      attempt: number;
      at: number;
      random?: number;
      /** False once a command waited: nothing followed then. */
      follows: boolean;
    };

/** The same with what the attempt's end was. */
export type Recalled = Heard | { event: AttemptEvent & { at: number }; follows: boolean };

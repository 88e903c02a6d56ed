import type { JsonDoc } from "../contract/json.ts";
import type { FailureClass } from "../../workflows/failure-classes.ts";

/** What becomes of an open step, or of one attempt of a job, so long after it began. */
export type End = Timing &
  (
    | { is: "completed"; output?: JsonDoc }
    | { is: "failed"; error?: string; class?: FailureClass; retry_after_ms?: number }
    /** By those who are named first, and as many others as are needed. */
    | ({ is: "approved" | "rejected"; voters: Voter[]; reason?: string; option?: string } & GateEnd)
    | Passed
    /** Nothing comes, and its own timeout ends it, if it has one. */
    | { is: "left alone" }
  );

/** What a gate puts out: what it did, or with values for its form, as JSON text. */
interface GateEnd {
  output?: JsonDoc;
  values?: string;
}

/** Somebody who decides, and the groups by which they may. */
export interface Voter {
  actor: string;
  groups?: string[];
}

interface Timing {
  after_ms: number;
  /** The step had not ended when its run did, so how and when it would have is not known: not before what is known to come. */
  isGuess?: true;
}

/** Someone did not let the step do its work. */
export interface Passed {
  is: "skipped" | "force-completed";
  actor: string;
  reason?: string;
  output?: JsonDoc;
}

/** Someone said of an open gate, so long after it had opened, who decides it, or, counted from then too, until when. */
export type GateChange = { after_ms: number; actor: string; reason?: string } & (
  | { verb: "reassign"; approvers: string[] }
  | { verb: "extend"; until_ms: number }
);

/** What becomes of a step once it has begun. */
export interface Outcome {
  /** Of a job by attempt, and the last one is that of all further attempts. Any other step has one. */
  ends: [End, ...End[]];
  /** Of a gate, before it ends. */
  changes?: GateChange[];
  /** Nobody has said so. */
  isAssumed?: true;
  /** As it was in a run: it took as long as it took, whatever the limits. */
  isRecorded?: true;
  /** It was passed over so long after the run began, at the latest when it would have started. */
  passed?: Passed & { at_ms: number };
}

/** Of a step of which nothing is said. */
export function assumedOutcome({ step_type }: { step_type: string }, after_ms = 0): Outcome {
  const end: End = step_type === "approval" ? { after_ms, is: "approved", voters: [] } : { after_ms, is: "completed" };
  return { ends: [end], isAssumed: true };
}

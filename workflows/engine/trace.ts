import { sha256 } from "@noble/hashes/sha2.js";
import { bytesToHex, utf8ToBytes } from "@noble/hashes/utils.js";

/** A place in a trace, as W3C Trace Context names it. */
export interface SpanPlace {
  trace_id: string;
  span_id: string;
}

/** The trace of a run that was triggered while traces were on. */
export interface RunTrace {
  trace_id: string;
  /** Whose span the run is part of: the request's that triggered it, or the step's of its parent. */
  span_id?: string;
  /** The tracestate that came with the trigger. */
  state?: string;
  /** False: nothing of it is exported, here or by endpoints. */
  sampled: boolean;
  /** What it belongs to besides: the run that it retries, the request that made it among others. */
  links?: SpanPlace[];
}

// The ids of spans follow from what they are of, instead of being stored: whoever exports one, before or after a worker died, exports
// the same.
const spanId = (of: string): string => bytesToHex(sha256(utf8ToBytes(of))).slice(0, 16);

/** As a run has it by whose trigger no trace came. */
export const traceIdOf = (runId: string): string => runId.replaceAll("-", "").toLowerCase();

export const runSpanId = (runId: string): string => spanId(`run/${runId}`);
/** Of a run that went on after its end, from then to its next end. */
export const reopenedSpanId = (runId: string, end: number): string => spanId(`run/${runId}/${end}`);
/** Of a step that calls a job: all attempts of the job run. */
export const jobRunSpanId = (jobRunId: string): string => spanId(`job-run/${jobRunId}`);
/** Of any other step. */
export const stepSpanId = (stepRunId: string, attempt: number): string => spanId(`step/${stepRunId}/${attempt}`);
/** `attempt` is 1-based, within the job run. */
export const attemptSpanId = (jobRunId: string, attempt: number): string => spanId(`${jobRunId}/${attempt}`);
